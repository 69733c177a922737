/* Made from hardware/shuttle_box/device.yml by hardware/registers.py. Do not edit. */
#ifndef REGISTERS_H
#define REGISTERS_H

#define DEVICE_NAME "ShuttleBox"
#define FIRMWARE_MAJOR 1
#define FIRMWARE_MINOR 0
#define DEVICE_YML_SHA1 {0x70, 0xac, 0x1d, 0x48, 0x52, 0x71, 0xd2, 0x4a, 0x86, 0x87, 0x3d, 0x2b, 0x56, 0xfd, 0xe8, 0x2a, 0x69, 0x63, 0x4c, 0x82}

#define REG_INPUTS 32
#define REG_OUTPUT_SET 33
#define REG_OUTPUT_CLEAR 34
#define REG_OUTPUT_STATE 35
#define REG_TONE_FREQUENCY 36
#define REG_DEBOUNCE 37
#define REG_FAULT 38
#define REG_HOST_WATCHDOG 39
#define N_REGISTERS 8

#define INPUT_LINES_SIDE_LEFT 1
#define INPUT_LINES_SIDE_RIGHT 2
#define INPUT_LINES_DOORWAY 4
#define INPUT_LINES_GATE_OPENED 8
#define INPUT_LINES_GATE_CLOSED 16

#define OUTPUTS_HOUSE_LIGHT 1
#define OUTPUTS_CUE_LIGHT_LEFT 2
#define OUTPUTS_CUE_LIGHT_RIGHT 4
#define OUTPUTS_TONE 8
#define OUTPUTS_GATE_OPEN 16
#define OUTPUTS_SHOCK_LEFT 32
#define OUTPUTS_SHOCK_RIGHT 64

#define FAULTS_WATCHDOG 1
#define FAULTS_GATE_STUCK 2

#define DEFAULT_INPUTS 0UL
#define DEFAULT_OUTPUT_SET 0UL
#define DEFAULT_OUTPUT_CLEAR 0UL
#define DEFAULT_OUTPUT_STATE 0UL
#define DEFAULT_TONE_FREQUENCY 2900UL
#define DEFAULT_DEBOUNCE 20UL
#define DEFAULT_FAULT 0UL
#define DEFAULT_HOST_WATCHDOG 1000UL

/* type, length, writable, minimum, maximum, default, bits that a value may have */
#define REGISTER_TABLE \
    {U8, 1, 0, 0UL, 255UL, 0UL, 0x1FUL} /* Inputs */, \
    {U16, 1, 1, 0UL, 65535UL, 0UL, 0x7FUL} /* OutputSet */, \
    {U16, 1, 1, 0UL, 65535UL, 0UL, 0x7FUL} /* OutputClear */, \
    {U16, 1, 1, 0UL, 65535UL, 0UL, 0x7FUL} /* OutputState */, \
    {U16, 1, 1, 100UL, 20000UL, 2900UL, 0xFFFFFFFFUL} /* ToneFrequency */, \
    {U8, 1, 1, 1UL, 100UL, 20UL, 0xFFFFFFFFUL} /* Debounce */, \
    {U8, 1, 1, 0UL, 255UL, 0UL, 0x3UL} /* Fault */, \
    {U16, 1, 1, 100UL, 2000UL, 1000UL, 0xFFFFFFFFUL} /* HostWatchdog */, \

#endif
