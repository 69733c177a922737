#include "lines.h"

#include "hal.h"
#include "timers.h"

static struct {
    uint8_t stable, differs;
    uint32_t since_us[8];
} lines;

void lines_start(uint8_t raw) {
    lines.stable = raw;
    lines.differs = 0;
}

/* The line that has differed longest; `differs` must not be 0. */
static uint8_t first_to_differ(void) {
    uint8_t first = 0xFF;
    for (uint8_t i = 0; i < 8; i++)
        if (lines.differs & 1 << i && (first == 0xFF || !not_before(lines.since_us[i], lines.since_us[first]))) first = i;
    return first;
}

void lines_look(uint8_t raw, uint32_t debounce_us, uint8_t timer) {
    uint8_t differs = raw ^ lines.stable, newly = differs & (uint8_t)~lines.differs;
    uint32_t now_us = hal_us();
    for (uint8_t i = 0; i < 8; i++)
        if (newly & 1 << i) lines.since_us[i] = now_us;
    lines.differs = differs;
    if (differs)
        timer_at(timer, lines.since_us[first_to_differ()] + debounce_us);
    else
        timer_stop(timer);
}

uint8_t lines_changed(uint32_t debounce_us, uint32_t *since_us) {
    if (!lines.differs) return 0;
    *since_us = lines.since_us[first_to_differ()];
    if (!not_before(hal_us(), *since_us + debounce_us)) return 0;
    uint8_t changed = 0;
    for (uint8_t i = 0; i < 8; i++)
        if (lines.differs & 1 << i && lines.since_us[i] == *since_us) changed |= (uint8_t)(1 << i);
    lines.stable ^= changed;
    lines.differs ^= changed;
    return changed;
}

uint8_t lines_stable(void) { return lines.stable; }
