/*
 * Whether this machine has an OpenCL and a CLBlast that the engine can be built with.
 * libraries: -lclblast -lOpenCL
 */
#include "engines/opencl/opencl.h"

#include <clblast_c.h>

int main(void)
{
    cl_platform_id platform;
    cl_mem x = NULL;
    cl_command_queue queue = NULL;
    cl_event event = NULL;

    return clGetPlatformIDs(1, &platform, NULL) ||
           clEnqueueMarkerWithWaitList(queue, 0, NULL, &event) ||
           CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeNo, 1, 1, 1, 1,
                        x, 0, 1, x, 0, 1, 0, x, 0, 1, &queue, &event) ||
           CLBlastSgemmStridedBatched(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeNo,
                                      1, 1, 1, 1, x, 0, 1, 1, x, 0, 1, 1, 0, x, 0, 1, 1, 1, &queue,
                                      &event) ||
           CLBlastClearCache();
}
