/* local.h - requests of processes on this machine, who may more than others. */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_LOCAL_H
#define HTTP_LOCAL_H

#include "http/request.h"

/* Why this request is none of a process on this machine that speaks for itself, as a sentence for whoever sent it; NULL
 * when it is one. There is no password: whoever can connect from this machine is one, and nobody else may pass for one,
 * neither by a proxy that passes everything on nor by a web page in a browser on this machine. */
const char *local_refusal(const struct request *request);

#endif
