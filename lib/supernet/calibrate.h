/*
 * Batch norm statistics of a subnet. Those in the checkpoint belong to no subnet: Once-for-All
 * measures them anew for each (set_running_statistics), as is done here.
 */
#ifndef DS_SUPERNET_CALIBRATE_H
#define DS_SUPERNET_CALIBRATE_H

#include "engines/engine.h"
#include "network/images.h"
#include "supernet/supernet.h"

/*
 * Runs the images through the network, `batch` at once, every batch norm using the mean and the
 * variance (over n, not n - 1) of the batch itself. The subnet's statistics become the averages
 * over batches of these means and variances, each weighted by its number of images.
 *
 * The session must be one of batch 1 whose engine takes inputs. Convolutions run on it image by
 * image, all else in plain loops; activations of a whole batch are in memory.
 */
int ds_subnet_calibrate(struct ds_subnet *subnet, const struct ds_net *net,
                        const struct ds_engine *engine, struct ds_session *session,
                        const struct ds_image_source *images, int batch, struct ds_error *err);

#endif
