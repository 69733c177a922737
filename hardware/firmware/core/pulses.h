/* The pulses of the last minute, for the limit on duty.
 *
 * Up to 48 of them are exact. When there are more, the two neighbours that lie closest together become one entry, whose
 * open time counts as if all of it lay as late as it can: never less than the truth. */
#ifndef PULSES_H
#define PULSES_H

#include <stdint.h>

void pulses_forget(void);
void pulses_add(uint32_t from_us, uint32_t to_us);

/* Forget what is more than a minute old. To be called now and then: the clock wraps after 71 minutes. */
void pulses_grow_old(uint32_t now_us);

/* Open time within the minute that ends at `until_us`, which may lie ahead. */
uint32_t pulses_within_a_minute_us(uint32_t until_us);

#endif
