/* autodiscover_error.c - the error documents of Autodiscover. */
/* SPDX-License-Identifier: MIT */
#include "format/autodiscover_error.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/xml.h"
#include "format/autodiscover.h"

static const char *message_of(unsigned code)
{
    switch (code) {
    case 500:
        return "The email address can't be found.";
    case 600:
        return "Invalid Request";
    case 601:
        return "Provider is not available";
    default:
        return "Internal error";
    }
}

/* A stable number for this machine, as the documents want it: a hash (FNV-1a) of its name. */
static uint32_t server_id(void)
{
    char name[HOST_NAME_MAX + 1] = "";
    uint32_t hash = 2166136261u;
    gethostname(name, sizeof(name) - 1); /* without a name the number is that of "" */
    for (const char *byte = name; *byte; byte++)
        hash = (hash ^ (unsigned char)*byte) * 16777619u;
    return hash;
}

void autodiscover_error_write(struct buf *out, unsigned code, const struct timespec *now)
{
    struct xml xml;
    struct tm utc = {0};
    char clock[sizeof("HH:MM:SS")] = "00:00:00";
    char time[32];
    char id[16];
    if (gmtime_r(&now->tv_sec, &utc))
        strftime(clock, sizeof(clock), "%H:%M:%S", &utc);
    snprintf(time, sizeof(time), "%s.%07u", clock, (unsigned)(now->tv_nsec / 100) % 10000000u);
    snprintf(id, sizeof(id), "%u", (unsigned)server_id());

    xml_begin(&xml, out);
    xml_open(&xml, "Autodiscover");
    xml_attribute(&xml, "xmlns", AUTODISCOVER_NS);
    xml_open(&xml, "Response");
    xml_open(&xml, "Error");
    xml_attribute(&xml, "Time", time);
    xml_attribute(&xml, "Id", id);
    xml_element_number(&xml, "ErrorCode", code);
    xml_element(&xml, "Message", message_of(code));
    xml_empty(&xml, "DebugData");
    xml_end(&xml);
}

/* Microsoft's messages, less the echo of what was asked. */
static const struct {
    const char *code, *message;
} errors2[] = {
    [AUTODISCOVER2_MANDATORY_PARAMETER_MISSING] = {"MandatoryParameterMissing",
                                                   "The get request sent does not match the valid format."},
    [AUTODISCOVER2_MISSING_PROTOCOL] = {"MissingProtocol",
                                        "A valid value must be provided for the query parameter 'Protocol'."},
    [AUTODISCOVER2_PROTOCOL_NOT_SUPPORTED] =
        {"ProtocolNotSupported", "The given protocol value is invalid. Supported values are "
                                 "'AutodiscoverV1', and 'ActiveSync' and 'Ews' where the domain has them."},
};

void autodiscover2_error_write(struct buf *out, enum autodiscover2_error code)
{
    /* Both are literals above that need no escape. */
    buf_addf(out, "{\"ErrorCode\":\"%s\",\"ErrorMessage\":\"%s\"}", errors2[code].code, errors2[code].message);
}
