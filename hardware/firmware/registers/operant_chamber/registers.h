/* Made from hardware/operant_chamber/device.yml by hardware/registers.py. Do not edit. */
#ifndef REGISTERS_H
#define REGISTERS_H

#define DEVICE_NAME "OperantChamber"
#define FIRMWARE_MAJOR 1
#define FIRMWARE_MINOR 0
#define DEVICE_YML_SHA1 {0x3a, 0x49, 0x7d, 0xf0, 0xa5, 0x87, 0x58, 0xaf, 0x71, 0x16, 0xb4, 0xe3, 0x94, 0x8e, 0xf9, 0x95, 0x40, 0xd4, 0x12, 0xa6}

#define REG_INPUTS 32
#define REG_OUTPUT_SET 33
#define REG_OUTPUT_CLEAR 34
#define REG_OUTPUT_STATE 35
#define REG_TONE_FREQUENCY 36
#define REG_DELIVER 37
#define REG_DELIVERED 38
#define REG_FAULT 39
#define REG_HOST_WATCHDOG 40
#define REG_DELIVERY_COUNT 41
#define N_REGISTERS 10

#define INPUT_LINES_LEVER_LEFT 1
#define INPUT_LINES_LEVER_RIGHT 2
#define INPUT_LINES_HEAD_ENTRY 4
#define INPUT_LINES_FEEDER_SENSOR 8

#define OUTPUTS_HOUSE_LIGHT 1
#define OUTPUTS_CUE_LIGHT_LEFT 2
#define OUTPUTS_CUE_LIGHT_RIGHT 4
#define OUTPUTS_TONE 8
#define OUTPUTS_LEVER_LEFT_OUT 16
#define OUTPUTS_LEVER_RIGHT_OUT 32

#define FAULTS_WATCHDOG 1
#define FAULTS_FEEDER_JAM 2

#define DEFAULT_INPUTS 0UL
#define DEFAULT_OUTPUT_SET 0UL
#define DEFAULT_OUTPUT_CLEAR 0UL
#define DEFAULT_OUTPUT_STATE 0UL
#define DEFAULT_TONE_FREQUENCY 2900UL
#define DEFAULT_DELIVER 0UL
#define DEFAULT_DELIVERED 0UL
#define DEFAULT_FAULT 0UL
#define DEFAULT_HOST_WATCHDOG 1000UL
#define DEFAULT_DELIVERY_COUNT 0UL

/* type, length, writable, minimum, maximum, default, bits that a value may have */
#define REGISTER_TABLE \
    {U8, 1, 0, 0UL, 255UL, 0UL, 0xFUL} /* Inputs */, \
    {U16, 1, 1, 0UL, 65535UL, 0UL, 0x3FUL} /* OutputSet */, \
    {U16, 1, 1, 0UL, 65535UL, 0UL, 0x3FUL} /* OutputClear */, \
    {U16, 1, 1, 0UL, 65535UL, 0UL, 0x3FUL} /* OutputState */, \
    {U16, 1, 1, 100UL, 20000UL, 2900UL, 0xFFFFFFFFUL} /* ToneFrequency */, \
    {U32, 1, 1, 0UL, 4294967295UL, 0UL, 0xFFFFFFFFUL} /* Deliver */, \
    {U32, 1, 0, 0UL, 4294967295UL, 0UL, 0xFFFFFFFFUL} /* Delivered */, \
    {U8, 1, 1, 0UL, 255UL, 0UL, 0x3UL} /* Fault */, \
    {U16, 1, 1, 100UL, 2000UL, 1000UL, 0xFFFFFFFFUL} /* HostWatchdog */, \
    {U32, 1, 0, 0UL, 4294967295UL, 0UL, 0xFFFFFFFFUL} /* DeliveryCount */, \

#endif
