/* access.h - one line a request. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "http/request.h"

#include <stdbool.h>

/* At INFO, in logfmt. Never holds a local part, a query or a body. complete: the client took the whole answer. */
void access_log(const struct request *request, bool complete);

#endif
