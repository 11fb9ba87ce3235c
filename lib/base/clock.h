#ifndef DS_BASE_CLOCK_H
#define DS_BASE_CLOCK_H

/* Milliseconds of a clock that only goes forward and is not slewed. */
double ds_now_ms(void);

#endif
