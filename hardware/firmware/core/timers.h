/* A few named timers on the HAL's microsecond clock, which wraps after 71 minutes: none may be set further ahead than 35. */
#ifndef TIMERS_H
#define TIMERS_H

#include <stdbool.h>
#include <stdint.h>

enum { TIMER_SECOND, TIMER_STALL, TIMER_WATCHDOG, TIMER_OF_DEVICE, N_TIMERS = TIMER_OF_DEVICE + 5 };

void timers_clear(void);
void timer_at(uint8_t timer, uint32_t at_us);
void timer_in(uint8_t timer, uint32_t us);
void timer_stop(uint8_t timer);
bool timer_runs(uint8_t timer);

/* Whether it is due; true once. */
bool timer_rang(uint8_t timer);

/* How long until the next one is due, at most an hour. 0 if one is due. */
uint32_t timers_wait_us(void);

/* Whether moment a is not before moment b. */
static inline bool not_before(uint32_t a, uint32_t b) { return (int32_t)(a - b) >= 0; }

#endif
