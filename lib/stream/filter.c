#include "stream/filter.h"

int ds_filter_begin(struct ds_filter *f, struct ds_error *err)
{
    size_t size;
    const void *before = ds_reader_provenance(f->in, &size);
    f->block = ds_reader_block(f->in);
    f->made.total = f->per_record * ds_reader_provenance_total(f->in);
    return ds_writer_begin(f->out, ds_reader_space(f->in), before, size, &f->made, err);
}

int ds_filter_next(struct ds_filter *f, struct ds_record **rec, struct ds_error *err)
{
    int rc = ds_reader_next(f->in, rec, err);
    if (rc < 0 || (rc == 0 && f->block) || ds_reader_block(f->in) == f->block)
        return rc;
    return ds_filter_begin(f, err) ? -1 : rc;
}
