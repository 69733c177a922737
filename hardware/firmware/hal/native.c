/* The HAL of a computer: virtual time, a simulated box, and a gate that closes by itself as the timer's would. */
#include "native.h"

#include <string.h>

#include "box.h"
#include "hal.h"
#include "harp.h"

enum { RECEIVED = 1 << 16, TO_SEND = 1 << 20 };
#define SAMPLE_US 208
#define LONGEST_GATE_US 30000000UL
#define LEAST_STEP_US 20

static struct {
    uint64_t now_us;
    uint8_t uid[16];
    uint8_t received[RECEIVED], to_send[TO_SEND];
    uint32_t n_received, n_read, n_to_send;
    /* the gate's timer */
    uint64_t opened_us, closes_us, closed_us;
    uint32_t n_pulses;
    uint64_t gate_open_us;
    /* the converter */
    bool senses;
    uint64_t sampled_us;
    struct sense sense;
} native;
static struct box box;
void (*native_gate_edge)(bool open, uint64_t us);

/* ---- every device ---- */

uint32_t hal_us(void) { return (uint32_t)native.now_us; }

int hal_getc(void) { return native.n_read < native.n_received ? native.received[native.n_read++] : -1; }

void hal_putc(uint8_t byte) {
    if (native.n_to_send < TO_SEND) native.to_send[native.n_to_send++] = byte; /* nobody listens: lost, as on a wire */
}

bool hal_has_room(uint8_t n) { return native.n_to_send + n <= TO_SEND; }

uint8_t hal_uid(uint8_t place) { return native.uid[place]; }

void hal_be_off(void) {
    hal_gate_close();
    hal_second_switch(false);
    hal_set_current(0);
}

/* ---- shock controller ---- */

/* One sample of the converter each 208 us since the last time, of the box as it stood until now. */
static void take_samples(void) {
    uint64_t n = (native.now_us - native.sampled_us) / SAMPLE_US;
    native.sampled_us += n * SAMPLE_US;
    if (!native.senses || !n) return;
    uint32_t current = (uint32_t)(box_ua(&box) / 4 + 0.5), voltage = (uint32_t)(box_volt(&box) * 2 + 0.5);
    if (box.gate) {
        native.sense.n += (uint16_t)n;
        native.sense.current += (uint32_t)n * (current > 1023 ? 1023 : current);
        native.sense.voltage += (uint32_t)n * (voltage > 1023 ? 1023 : voltage);
    } else {
        native.sense.n_closed += (uint16_t)n;
        native.sense.current_closed = (uint16_t)current;
    }
}

static void set_gate(bool open) {
    if (box.gate == open) return;
    take_samples();
    native.sampled_us = native.now_us;
    box.gate = open;
    box_driven(&box);
    if (open) {
        native.opened_us = native.now_us;
        native.n_pulses++;
    } else {
        native.closed_us = native.now_us;
        native.gate_open_us += native.now_us - native.opened_us;
    }
    if (native_gate_edge) native_gate_edge(open, native.now_us);
}

void hal_gate_open(uint32_t us) {
    native.closes_us = native.now_us + (us < LONGEST_GATE_US ? us : LONGEST_GATE_US);
    set_gate(true);
}

void hal_gate_close(void) {
    native.closes_us = BOX_NEVER;
    set_gate(false);
}

bool hal_gate_is_open(void) { return box.gate; }

uint32_t hal_gate_opened_us(void) { return (uint32_t)native.opened_us; }

uint32_t hal_gate_closed_us(void) { return (uint32_t)native.closed_us; }

void hal_second_switch(bool closed) {
    if (box.second_switch == closed) return;
    take_samples();
    box.second_switch = closed;
}

bool hal_set_current(uint16_t ua) {
    take_samples();
    if (box.converter_answers) box.current_ua = ua;
    return box.converter_answers;
}

bool hal_interlock_closed(void) { return box.interlock_closed; }

void hal_lamp(bool lit) { box.lamp = lit; }

void hal_sense(bool on) {
    if (on && !native.senses) native.sampled_us = native.now_us;
    native.senses = on;
}

struct sense hal_take_sense(void) {
    take_samples();
    struct sense sense = native.sense;
    memset(&native.sense, 0, sizeof native.sense);
    return sense;
}

/* ---- operant chamber and shuttle box ---- */

uint8_t hal_inputs(void) { return box_inputs(&box); }

void hal_outputs(uint16_t outputs) {
    box.outputs = outputs;
    box_driven(&box);
}

void hal_tone(uint16_t hz) { box.tone_hz = hz; }

void hal_feeder(bool on) {
    box.feeder = on;
    box_driven(&box);
}

bool hal_pulse_is_on(void) { return box.pulse_is_on; }

/* ---- time ---- */

void native_power_on(const uint8_t *uid) {
    memset(&native, 0, sizeof native);
    native.closes_us = BOX_NEVER;
    memcpy(native.uid, uid, sizeof native.uid);
    box_power_on(&box);
    harp_start();
}

uint64_t native_now_us(void) { return native.now_us; }

uint64_t native_next_us(void) {
    uint32_t wait_us = timers_wait_us();
    uint64_t next_us = native.now_us + (wait_us > LEAST_STEP_US ? wait_us : LEAST_STEP_US);
    if (box_next_us(&box) < next_us) next_us = box_next_us(&box);
    return native.closes_us < next_us ? native.closes_us : next_us;
}

static void poll(void) {
    while (harp_poll()) continue;
    native.n_received = native.n_read = 0;
}

void native_run_until(uint64_t us) {
    poll();
    while (native.now_us < us) {
        uint64_t next_us = native_next_us();
        uint64_t to_us = next_us < us ? next_us : us;
        bool moves = to_us >= box_next_us(&box);
        if (moves) take_samples();
        native.now_us = to_us > native.now_us ? to_us : native.now_us;
        box_advance(&box, native.now_us);
        if (native.now_us >= native.closes_us) hal_gate_close();
        poll();
    }
}

void native_receive(const uint8_t *bytes, uint32_t n) {
    while (n) {
        uint32_t some = n < RECEIVED ? n : RECEIVED;
        memcpy(native.received, bytes, some);
        native.n_received = some;
        native.n_read = 0;
        poll();
        bytes += some;
        n -= some;
    }
}

uint32_t native_take(uint8_t *bytes, uint32_t most) {
    uint32_t n = native.n_to_send < most ? native.n_to_send : most;
    memcpy(bytes, native.to_send, n);
    native.n_to_send -= n;
    memmove(native.to_send, native.to_send + n, native.n_to_send);
    return n;
}

bool native_hand(const char *line) {
    take_samples();
    bool known = box_hand(&box, line);
    poll();
    return known;
}

void native_pins(struct native_pins *pins) {
    *pins = (struct native_pins){box.gate,    box.second_switch, box.lamp,        box.feeder,         box.current_ua,
                                 box.outputs, box.tone_hz,       native.n_pulses, native.gate_open_us};
}
