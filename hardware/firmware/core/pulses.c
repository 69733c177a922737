#include "pulses.h"

#include <string.h>

#include "timers.h"

enum { MOST = 48 };
#define MINUTE_US ((uint32_t)60000000)

static struct {
    uint8_t n;
    struct entry {
        uint32_t from_us, to_us, open_us;
    } entry[MOST];
} pulses;

void pulses_forget(void) { pulses.n = 0; }

static void remove_entry(uint8_t i) {
    pulses.n--;
    memmove(&pulses.entry[i], &pulses.entry[i + 1], (size_t)(pulses.n - i) * sizeof pulses.entry[0]);
}

static void join_the_closest(void) {
    uint8_t closest = 0;
    for (uint8_t i = 1; i + 1 < pulses.n; i++)
        if (pulses.entry[i + 1].to_us - pulses.entry[i].from_us < pulses.entry[closest + 1].to_us - pulses.entry[closest].from_us)
            closest = i;
    pulses.entry[closest].to_us = pulses.entry[closest + 1].to_us;
    pulses.entry[closest].open_us += pulses.entry[closest + 1].open_us;
    remove_entry((uint8_t)(closest + 1));
}

void pulses_add(uint32_t from_us, uint32_t to_us) {
    pulses_grow_old(to_us);
    if (pulses.n == MOST) join_the_closest();
    pulses.entry[pulses.n++] = (struct entry){from_us, to_us, to_us - from_us};
}

void pulses_grow_old(uint32_t now_us) {
    while (pulses.n && not_before(now_us, pulses.entry[0].to_us + MINUTE_US)) remove_entry(0);
}

uint32_t pulses_within_a_minute_us(uint32_t until_us) {
    uint32_t sum_us = 0, since_us = until_us - MINUTE_US;
    for (uint8_t i = 0; i < pulses.n; i++) {
        const struct entry *one = &pulses.entry[i];
        if (not_before(since_us, one->to_us)) continue;
        uint32_t within_us = one->to_us - since_us;
        sum_us += within_us < one->open_us ? within_us : one->open_us;
    }
    return sum_us;
}
