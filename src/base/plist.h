/* plist.h - an Apple XML property list writer. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_PLIST_H
#define BASE_PLIST_H

#include "base/xml.h"

/* Keys: NULL inside an array. Calls nest; a failure is the buffer's. */
struct plist {
    struct xml xml;
};

/* Writes declaration, DOCTYPE and <plist version="1.0"> with the outermost <dict>. */
void plist_begin(struct plist *plist, struct buf *out);
void plist_dict_open(struct plist *plist, const char *key);
void plist_array_open(struct plist *plist, const char *key);
void plist_close(struct plist *plist);
/* value NULL writes nothing, not even the key. */
void plist_string(struct plist *plist, const char *key, const char *value);
void plist_integer(struct plist *plist, const char *key, long value);
void plist_bool(struct plist *plist, const char *key, bool value);
void plist_end(struct plist *plist);

#endif
