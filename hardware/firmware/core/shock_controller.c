/* The shock controller: when the gate opens, and that it closes.
 *
 * Limits. Those below are compiled in; what a host may change only lowers them until the next reset.
 * Arming. The gate opens only for `Arm n` and then, in time, `Trigger n`, n being PulseCount + 1.
 * Gate. The HAL's timer closes it; the program finds it closed, sees the current gone, and reports. If current flows on
 *   10 ms later, the second switch opens: Overrun.
 * Sense. Over each 10 ms of a pulse: no current is an open grid, current without voltage are shorted bars.
 * All of that is off at reset, in Standby, when the interlock opens and when the watchdog ends. */
#include <string.h>

#include "hal.h"
#include "harp.h"
#include "pulses.h"

#define MOST_UA 3000UL
#define MOST_MS 30000UL
#define MOST_MS_A_MINUTE 30000UL
#define MOST_MS_A_SESSION 1200000UL
#define MOST_PULSES_A_SESSION 500UL
#define LONGEST_WATCHDOG_MS 2000UL
_Static_assert(DEFAULT_CEILING_INTENSITY <= MOST_UA && DEFAULT_MAX_INTENSITY <= MOST_UA, "device.yml raises a ceiling");
_Static_assert(DEFAULT_CEILING_DURATION <= MOST_MS && DEFAULT_MAX_DURATION <= MOST_MS, "device.yml raises a ceiling");
_Static_assert(DEFAULT_CEILING_DUTY <= MOST_MS_A_MINUTE && DEFAULT_MAX_DUTY <= MOST_MS_A_MINUTE, "device.yml raises a ceiling");
_Static_assert(DEFAULT_CEILING_ON_TIME <= MOST_MS_A_SESSION && DEFAULT_MAX_ON_TIME <= MOST_MS_A_SESSION,
               "device.yml raises a ceiling");
_Static_assert(DEFAULT_CEILING_COUNT <= MOST_PULSES_A_SESSION && DEFAULT_MAX_COUNT <= MOST_PULSES_A_SESSION,
               "device.yml raises a ceiling");
_Static_assert(DEFAULT_HOST_WATCHDOG >= 1 && DEFAULT_HOST_WATCHDOG <= LONGEST_WATCHDOG_MS, "the watchdog is mandatory");

enum { TIMER_ARM = TIMER_OF_DEVICE, TIMER_SENSE, TIMER_OVERRUN, TIMER_INTERLOCK };

#define SENSE_US (10 * MS)     /* what is judged at a time */
#define CONFIRM_US 500UL       /* how often it is looked whether the current is gone */
#define OVERRUN_US (10 * MS)
#define INTERLOCK_US (5 * MS)  /* a closing interlock bounces; an opening one counts at once */

#define UA_A_STEP 4            /* of the converter: 1 V/mA, 4.096 V in 1024 steps */
#define LEAK_STEPS 5           /* 20 uA: less is no current */
#define SHORT_LEAST_STEPS 20   /* below 80 uA the voltage over 10 kOhm is not to be told from none */
#define SHORT_RATIO 64         /* current/voltage steps of 2 kOhm: 0.5 V a step through 125 kOhm a step of ratio */

#define BLOCKING (FAULTS_INTERLOCK | FAULTS_WATCHDOG | FAULTS_OVERRUN | FAULTS_GRID_SHORT)

typedef enum { CLOSED, OPEN, CLOSING } gate_state; /* closing: closed, but whether current flows is not known yet */

static struct {
    gate_state gate;
    uint8_t cause, fault_to_tell;
    bool interlock_closed;
    bool flows;                  /* as far as the last look at the current tells */
    uint16_t ua;                 /* of the pulse that is on */
    uint32_t us;
    uint32_t fault_us;           /* when the fault that is to be told happened */
    uint32_t on_time_us;         /* of all pulses since reset: at most 1,200 s */
    uint32_t n, current;         /* samples of the pulse and their sum */
    uint32_t report[4];          /* number, us, uA, cause */
} box;

static bool armed(void) { return value(REG_ARM) != 0; }

static bool blocked(void) { return value(REG_FAULT) & BLOCKING; }

static void set_second_switch(void) { hal_second_switch(harp_active() && box.interlock_closed && !blocked()); }

/* ---- arming ---- */

static void disarm(void) {
    if (armed()) {
        hal_set_current(0);
        hal_sense(false);
    }
    set_value(REG_ARM, 0);
    timer_stop(TIMER_ARM);
    if (box.gate == CLOSED) timer_stop(TIMER_SENSE);
}

static bool would_pass_a_limit(void) {
    uint32_t us = value(REG_DURATION) * MS;
    return value(REG_PULSE_COUNT) >= value(REG_MAX_COUNT) || box.on_time_us + us > value(REG_MAX_ON_TIME) * MS ||
           pulses_within_a_minute_us(hal_us() + us) + us > value(REG_MAX_DUTY) * MS;
}

static void arm(uint32_t number) {
    disarm();
    bool ready = harp_watched() && box.gate == CLOSED && box.interlock_closed && !blocked();
    if (!ready || number != value(REG_PULSE_COUNT) + 1 || !value(REG_INTENSITY) || !value(REG_DURATION)) return;
    if (would_pass_a_limit()) {
        harp_fault(FAULTS_LIMIT);
        return;
    }
    if (!hal_set_current((uint16_t)value(REG_INTENSITY))) {
        hal_set_current(0);
        return;
    }
    set_value(REG_FAULT, value(REG_FAULT) & ~(uint32_t)(FAULTS_OPEN_GRID | FAULTS_LIMIT));
    set_value(REG_ARM, number);
    hal_sense(true);
    timer_in(TIMER_ARM, value(REG_ARM_TIMEOUT) * MS);
    timer_in(TIMER_SENSE, CONFIRM_US);
}

/* ---- the gate ---- */

static void open_gate(void) {
    set_value(REG_ARM, 0);
    timer_stop(TIMER_ARM);
    set_value(REG_PULSE_COUNT, value(REG_PULSE_COUNT) + 1);
    box.ua = (uint16_t)value(REG_INTENSITY);
    box.us = value(REG_DURATION) * MS;
    box.n = box.current = 0;
    box.fault_to_tell = 0;
    box.flows = true;
    box.gate = OPEN;
    hal_take_sense();
    hal_gate_open(box.us);
    timer_at(TIMER_SENSE, hal_gate_opened_us() + SENSE_US);
    timer_at(TIMER_OVERRUN, hal_gate_opened_us() + box.us + OVERRUN_US);
    harp_event(REG_PULSE_STARTED, hal_gate_opened_us());
}

/* Everything about the pulse is known: say it. */
static void report(uint32_t closed_us) {
    uint32_t us = closed_us - hal_gate_opened_us();
    hal_set_current(0);
    hal_sense(false);
    timer_stop(TIMER_SENSE);
    timer_stop(TIMER_OVERRUN);
    box.gate = CLOSED;
    box.on_time_us += us;
    pulses_add(hal_gate_opened_us(), closed_us);
    box.report[0] = value(REG_PULSE_COUNT);
    box.report[1] = us;
    box.report[2] = box.n ? (box.current * UA_A_STEP + box.n / 2) / box.n : 0;
    box.report[3] = box.cause;
    harp_event(REG_PULSE_ENDED, closed_us);
    if (box.fault_to_tell) harp_event(REG_FAULT, box.fault_us);
}

/* A fault that ends the pulse is told after the pulse's own report. */
static void tell_later(uint8_t fault) {
    box.fault_to_tell |= harp_add_fault(fault);
    box.fault_us = hal_us();
}

/* The gate is closed, or was told to be. The report waits until the current is gone. */
static void closing(uint8_t cause) {
    box.gate = CLOSING;
    box.cause = cause;
    timer_in(TIMER_SENSE, CONFIRM_US);
    timer_in(TIMER_OVERRUN, OVERRUN_US);
}

static void close_gate(uint8_t cause, uint8_t fault) {
    hal_gate_close();
    if (fault) tell_later(fault);
    closing(cause);
}

static void overrun(void) {
    hal_gate_close();
    hal_set_current(0);
    hal_second_switch(false);
    tell_later(FAULTS_OVERRUN);
    box.cause = END_CAUSES_OVERRUN;
    report(hal_us());
}

static void end_pulse(uint8_t cause, uint8_t fault) {
    disarm();
    if (box.gate == OPEN)
        close_gate(cause, fault);
    else if (box.gate == CLOSING)
        tell_later(fault);
    else
        harp_fault(fault);
    set_second_switch();
}

/* ---- the grid ---- */

static void judge_grid(const struct sense *sensed) {
    if (!sensed->n) return;
    uint32_t current = sensed->current / sensed->n;
    box.flows = current > LEAK_STEPS;
    bool open = sensed->current * 8 * UA_A_STEP < (uint32_t)box.ua * sensed->n;
    bool shorted = current >= SHORT_LEAST_STEPS && sensed->voltage * SHORT_RATIO < sensed->current;
    if (shorted)
        end_pulse(END_CAUSES_GRID_SHORT, FAULTS_GRID_SHORT);
    else if (open)
        harp_fault(FAULTS_OPEN_GRID);
}

/* Between arming and trigger nothing may flow: the gate would be leaking. */
static void judge_armed(const struct sense *sensed) {
    timer_in(TIMER_SENSE, CONFIRM_US);
    if (sensed->n_closed < 2 || sensed->current_closed <= LEAK_STEPS) return;
    hal_second_switch(false);
    disarm();
    harp_fault(FAULTS_OVERRUN);
}

static void sense(void) {
    struct sense sensed = hal_take_sense();
    box.n += sensed.n;
    box.current += sensed.current;
    if (box.gate == CLOSING) {
        if (sensed.n_closed >= 2 && sensed.current_closed <= LEAK_STEPS)
            report(hal_gate_closed_us());
        else
            timer_in(TIMER_SENSE, CONFIRM_US);
    } else if (box.gate == OPEN) {
        timer_in(TIMER_SENSE, SENSE_US);
        judge_grid(&sensed);
    } else {
        judge_armed(&sensed);
    }
}

/* ---- the interlock ---- */

static void interlock_changed(bool closed) {
    timer_stop(TIMER_INTERLOCK);
    box.interlock_closed = closed;
    harp_event(REG_INPUTS, hal_us());
    if (!closed) end_pulse(END_CAUSES_INTERLOCK, harp_active() ? FAULTS_INTERLOCK : 0);
    set_second_switch();
}

static void look_at_interlock(void) {
    bool closed = hal_interlock_closed();
    if (closed == box.interlock_closed)
        timer_stop(TIMER_INTERLOCK);
    else if (!closed || timer_rang(TIMER_INTERLOCK))
        interlock_changed(closed);
    else if (!timer_runs(TIMER_INTERLOCK))
        timer_in(TIMER_INTERLOCK, INTERLOCK_US);
}

/* ---- what the core asks ---- */

void device_start(void) {
    memset(&box, 0, sizeof box);
    pulses_forget();
    hal_gate_close();
    hal_second_switch(false);
    hal_set_current(0);
    hal_sense(false);
    box.interlock_closed = hal_interlock_closed();
}

bool device_poll(void) {
    look_at_interlock();
    if (box.gate == OPEN && !hal_gate_is_open()) closing(END_CAUSES_COMPLETED);
    if (timer_rang(TIMER_ARM)) disarm();
    if (timer_rang(TIMER_SENSE)) sense();
    if (timer_rang(TIMER_OVERRUN)) overrun();
    pulses_grow_old(hal_us());
    hal_lamp(box.gate != CLOSED && box.flows);
    return false;
}

void device_off(off_reason why) {
    if (why == BY_WATCHDOG)
        end_pulse(END_CAUSES_WATCHDOG, FAULTS_WATCHDOG);
    else
        end_pulse(END_CAUSES_STANDBY, 0);
}

void device_activated(void) {
    if (!box.interlock_closed) harp_fault(FAULTS_INTERLOCK);
    set_second_switch();
}

static void lower(uint8_t limit, uint32_t to) {
    disarm();
    set_value(limit, to);
    if (value(REG_INTENSITY) > value(REG_MAX_INTENSITY)) set_value(REG_INTENSITY, 0);
    if (value(REG_DURATION) > value(REG_MAX_DURATION)) set_value(REG_DURATION, 0);
}

void device_write(uint8_t address, uint32_t to) {
    bool idle = box.gate == CLOSED && !armed();
    switch (address) {
        case REG_INTENSITY:
            if (idle && to <= value(REG_MAX_INTENSITY)) set_value(address, to);
            break;
        case REG_DURATION:
            if (idle && to <= value(REG_MAX_DURATION)) set_value(address, to);
            break;
        case REG_ARM: arm(to); break;
        case REG_TRIGGER:
            if (to && to == value(REG_ARM)) open_gate();
            break;
        case REG_STOP: end_pulse(END_CAUSES_STOPPED, 0); break;
        case REG_FAULT:
            set_value(address, value(address) & ~to);
            if (harp_active() && !box.interlock_closed) harp_add_fault(FAULTS_INTERLOCK);
            set_second_switch();
            break;
        case REG_MAX_INTENSITY:
        case REG_MAX_DURATION:
        case REG_MAX_DUTY:
        case REG_MAX_ON_TIME:
        case REG_MAX_COUNT:
            if (box.gate == CLOSED && to <= value(address)) lower(address, to);
            break;
        default: set_value(address, to);
    }
}

uint32_t device_read(uint8_t address, uint8_t i) {
    switch (address) {
        case REG_INPUTS: return box.interlock_closed ? INPUT_LINES_INTERLOCK_CLOSED : 0;
        case REG_TRIGGER: return box.gate == OPEN ? value(REG_PULSE_COUNT) : 0;
        case REG_PULSE_STARTED: return value(REG_PULSE_COUNT);
        case REG_PULSE_ENDED: return box.report[i];
        case REG_ON_TIME: return (box.on_time_us + MS - 1) / MS;
        default: return value(address);
    }
}
