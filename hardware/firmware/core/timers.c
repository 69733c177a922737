#include "timers.h"

#include <string.h>

#include "hal.h"

static struct {
    uint32_t at_us[N_TIMERS];
    bool runs[N_TIMERS];
} timers;

void timers_clear(void) { memset(&timers, 0, sizeof timers); }

void timer_at(uint8_t timer, uint32_t at_us) {
    timers.at_us[timer] = at_us;
    timers.runs[timer] = true;
}

void timer_in(uint8_t timer, uint32_t us) { timer_at(timer, hal_us() + us); }

void timer_stop(uint8_t timer) { timers.runs[timer] = false; }

bool timer_runs(uint8_t timer) { return timers.runs[timer]; }

bool timer_rang(uint8_t timer) {
    if (!timers.runs[timer] || !not_before(hal_us(), timers.at_us[timer])) return false;
    timers.runs[timer] = false;
    return true;
}

uint32_t timers_wait_us(void) {
    uint32_t now_us = hal_us(), soonest_us = 3600000000UL;
    for (uint8_t timer = 0; timer < N_TIMERS; timer++) {
        if (!timers.runs[timer]) continue;
        if (not_before(now_us, timers.at_us[timer])) return 0;
        uint32_t wait_us = timers.at_us[timer] - now_us;
        if (wait_us < soonest_us) soonest_us = wait_us;
    }
    return soonest_us;
}
