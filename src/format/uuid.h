/* uuid.h - name-based UUIDs (RFC 9562, version 5): the same name always gets the same one. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_UUID_H
#define FORMAT_UUID_H

enum { UUID_SIZE = 16, UUID_TEXT_SIZE = 36 + 1 };

/* Writes the UUID of name within a name space as 8-4-4-4-12 lower-case hexadecimal digits. Any thread. */
void uuid_from_name(const unsigned char space[UUID_SIZE], const char *name, char text_r[UUID_TEXT_SIZE]);

#endif
