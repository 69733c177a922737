/* Constant tables stay in flash where the processor has a separate address space for it. */
#ifndef TABLE_H
#define TABLE_H

#ifdef __AVR__
#include <avr/pgmspace.h>
#define IN_FLASH PROGMEM
#define copy_from_flash memcpy_P
#define byte_from_flash(where) pgm_read_byte(where)
#else
#define IN_FLASH
#define copy_from_flash memcpy
#define byte_from_flash(where) ((uint8_t) * (where))
#endif

#endif
