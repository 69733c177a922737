/* The shuttle box: where something is, a gate that closes onto nobody, and floors that are joined to the shock only
 * between pulses. The device reports occupancy and never decides what a crossing is. */
#include "hal.h"
#include "harp.h"
#include "lines.h"
#include "outputs.h"

enum { TIMER_LINES = TIMER_OF_DEVICE, TIMER_CLEAR, TIMER_STUCK, TIMER_ROUTE };

#define CLEAR_US (200 * MS)     /* from a free doorway until the gate may close */
#define STUCK_US (1000 * MS)
#define LONGEST_HOLD_US (31000 * MS) /* no pulse is longer than 30 s: a line that says so is broken */

#define ROUTES (OUTPUTS_SHOCK_LEFT | OUTPUTS_SHOCK_RIGHT)

static struct {
    bool up;            /* the gate is driven up */
    bool waits;         /* it should close, and somebody is or was just below it */
    uint16_t routes;    /* as the relays stand */
} box;

static void drive(void) {
    uint16_t plain = (uint16_t)value(REG_OUTPUT_STATE) & (uint16_t)~(OUTPUTS_GATE_OPEN | ROUTES);
    hal_outputs(plain | box.routes | (box.up ? OUTPUTS_GATE_OPEN : 0));
}

static void move_gate(uint8_t raw) {
    bool wanted = value(REG_OUTPUT_STATE) & OUTPUTS_GATE_OPEN;
    if (wanted) {
        box.waits = false;
        timer_stop(TIMER_CLEAR);
    } else if (raw & INPUT_LINES_DOORWAY) {
        box.waits = box.up || !(raw & INPUT_LINES_GATE_CLOSED);
        timer_stop(TIMER_CLEAR);
    } else if (timer_rang(TIMER_CLEAR)) {
        box.waits = false;
    } else if (box.waits && !timer_runs(TIMER_CLEAR)) {
        timer_in(TIMER_CLEAR, CLEAR_US);
    }
    if (box.up == (wanted || box.waits)) return;
    box.up = !box.up;
    drive();
    timer_in(TIMER_STUCK, STUCK_US);
}

static void watch_gate(uint8_t raw) {
    uint8_t end = box.up ? INPUT_LINES_GATE_OPENED : INPUT_LINES_GATE_CLOSED;
    if (raw & end)
        timer_stop(TIMER_STUCK);
    else if (timer_rang(TIMER_STUCK))
        harp_fault(FAULTS_GATE_STUCK);
}

/* Relays do not switch under current. */
static void route(void) {
    uint16_t wanted = (uint16_t)value(REG_OUTPUT_STATE) & ROUTES;
    if (wanted == box.routes) {
        timer_stop(TIMER_ROUTE);
    } else if (!hal_pulse_is_on() || timer_rang(TIMER_ROUTE)) {
        timer_stop(TIMER_ROUTE);
        box.routes = wanted;
        drive();
    } else if (!timer_runs(TIMER_ROUTE)) {
        timer_in(TIMER_ROUTE, LONGEST_HOLD_US);
    }
}

static uint32_t debounce_us(void) { return value(REG_DEBOUNCE) * MS; }

void device_start(void) {
    uint8_t raw = hal_inputs();
    outputs_off();
    lines_start(raw);
    box.waits = raw & INPUT_LINES_DOORWAY && !(raw & INPUT_LINES_GATE_CLOSED);
    box.up = box.waits;
    drive();
}

bool device_poll(void) {
    uint8_t raw = hal_inputs();
    uint32_t since_us;
    move_gate(raw);
    watch_gate(raw);
    route();
    lines_look(raw, debounce_us(), TIMER_LINES);
    while (lines_changed(debounce_us(), &since_us)) harp_event(REG_INPUTS, since_us);
    return timer_rang(TIMER_LINES); /* look again: what was due has been told, the next may be */
}

void device_off(off_reason why) {
    outputs_off();
    move_gate(hal_inputs());
    route();
    drive();
    if (why == BY_WATCHDOG) harp_fault(FAULTS_WATCHDOG);
}

void device_activated(void) {}

void device_write(uint8_t address, uint32_t to) {
    if (outputs_write(address, to)) {
        move_gate(hal_inputs());
        route();
        drive();
    } else if (address == REG_FAULT) {
        set_value(address, value(address) & ~to);
    } else {
        set_value(address, to);
    }
}

uint32_t device_read(uint8_t address, uint8_t i) {
    (void)i;
    return address == REG_INPUTS ? lines_stable() : outputs_read(address);
}
