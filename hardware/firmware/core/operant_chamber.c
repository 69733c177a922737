/* The operant chamber: levers, head entry, lights, tone and a feeder that runs once for each number.
 *
 * The feeder runs until its sensor sees something arrive, at most 1 s; then it rests until the sensor is free, at least
 * 50 ms, so that one pellet is never two deliveries. */
#include "hal.h"
#include "harp.h"
#include "lines.h"
#include "outputs.h"

enum { TIMER_LINES = TIMER_OF_DEVICE, TIMER_FEEDER };

#define DEBOUNCE_US (5 * MS)
#define JAM_US (1000 * MS)
#define REST_US (50 * MS)

static struct {
    enum { STILL, RUNNING, RESTING } feeder;
    uint32_t n_waiting;
} box;

static void run_feeder(void) {
    box.feeder = RUNNING;
    hal_feeder(true);
    timer_in(TIMER_FEEDER, JAM_US);
}

static void deliver(uint32_t number) {
    if (!harp_watched() || number != value(REG_DELIVERY_COUNT) + 1) return;
    set_value(REG_DELIVERY_COUNT, number);
    box.n_waiting++;
    if (box.feeder == STILL) run_feeder();
}

static void arrived(uint32_t at_us) {
    hal_feeder(false);
    set_value(REG_DELIVERED, value(REG_DELIVERY_COUNT) - box.n_waiting + 1);
    box.n_waiting--;
    box.feeder = RESTING;
    timer_in(TIMER_FEEDER, REST_US);
    harp_event(REG_DELIVERED, at_us);
}

static void feeder_is_due(void) {
    if (box.feeder == RUNNING) {
        hal_feeder(false);
        box.feeder = STILL;
        box.n_waiting = 0;
        harp_fault(FAULTS_FEEDER_JAM);
    } else if (lines_stable() & INPUT_LINES_FEEDER_SENSOR) {
        timer_in(TIMER_FEEDER, REST_US);
    } else if (box.n_waiting) {
        run_feeder();
    } else {
        box.feeder = STILL;
    }
}

static void tell_inputs(void) {
    uint32_t since_us;
    uint8_t changed;
    lines_look(hal_inputs(), DEBOUNCE_US, TIMER_LINES);
    while ((changed = lines_changed(DEBOUNCE_US, &since_us))) {
        harp_event(REG_INPUTS, since_us);
        bool sees = changed & lines_stable() & INPUT_LINES_FEEDER_SENSOR;
        if (sees && box.feeder == RUNNING) arrived(since_us);
    }
}

void device_start(void) {
    hal_feeder(false);
    box.feeder = STILL;
    box.n_waiting = 0;
    outputs_off();
    hal_outputs(0);
    lines_start(hal_inputs());
}

bool device_poll(void) {
    tell_inputs();
    if (timer_rang(TIMER_LINES)) return true; /* look again: what was due has been told, the next may be */
    if (timer_rang(TIMER_FEEDER)) feeder_is_due();
    return false;
}

void device_off(off_reason why) {
    outputs_off();
    hal_outputs(0);
    hal_feeder(false);
    timer_stop(TIMER_FEEDER);
    box.feeder = STILL;
    box.n_waiting = 0;
    if (why == BY_WATCHDOG) harp_fault(FAULTS_WATCHDOG);
}

void device_activated(void) {}

void device_write(uint8_t address, uint32_t to) {
    if (outputs_write(address, to))
        hal_outputs((uint16_t)value(REG_OUTPUT_STATE));
    else if (address == REG_DELIVER)
        deliver(to);
    else if (address == REG_FAULT)
        set_value(address, value(address) & ~to);
    else
        set_value(address, to);
}

uint32_t device_read(uint8_t address, uint8_t i) {
    (void)i;
    if (address == REG_INPUTS) return lines_stable();
    if (address == REG_DELIVER) return value(REG_DELIVERY_COUNT);
    return outputs_read(address);
}
