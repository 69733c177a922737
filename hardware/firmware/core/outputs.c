#include "outputs.h"

#include "hal.h"
#include "harp.h"

static void sound(void) { hal_tone(value(REG_OUTPUT_STATE) & OUTPUTS_TONE ? (uint16_t)value(REG_TONE_FREQUENCY) : 0); }

static void set(uint32_t state) {
    if (!harp_watched()) return;
    bool tone_changes = (value(REG_OUTPUT_STATE) ^ state) & OUTPUTS_TONE;
    set_value(REG_OUTPUT_STATE, state);
    if (tone_changes) sound();
}

bool outputs_write(uint8_t address, uint32_t to) {
    switch (address) {
        case REG_OUTPUT_SET: set(value(REG_OUTPUT_STATE) | to); return true;
        case REG_OUTPUT_CLEAR: set(value(REG_OUTPUT_STATE) & ~to); return true;
        case REG_OUTPUT_STATE: set(to); return true;
        case REG_TONE_FREQUENCY:
            set_value(address, to);
            sound();
            return true;
        default: return false;
    }
}

uint32_t outputs_read(uint8_t address) {
    return value(address == REG_OUTPUT_SET || address == REG_OUTPUT_CLEAR ? REG_OUTPUT_STATE : address);
}

void outputs_off(void) {
    set_value(REG_OUTPUT_STATE, 0);
    hal_tone(0);
}
