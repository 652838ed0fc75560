/* ldap_deadline.c - a layer under libldap's TLS that ends reading and writing at a deadline. */
/* SPDX-License-Identifier: MIT */
#include "userdb/ldap_deadline.h"

#include <errno.h>
#include <lber.h>
#include <limits.h>
#include <poll.h>

#include "base/clock.h"

/* Above the socket, below TLS. */
enum { LEVEL = (LBER_SBIOD_LEVEL_PROVIDER + LBER_SBIOD_LEVEL_TRANSPORT) / 2 };

static int set_up(Sockbuf_IO_Desc *layer, void *deadline)
{
    layer->sbiod_pvt = deadline;
    return 0;
}

static int tear_down(Sockbuf_IO_Desc *layer)
{
    layer->sbiod_pvt = NULL;
    return 0;
}

static int control(Sockbuf_IO_Desc *layer, int option, void *argument)
{
    return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

/* False, with an errno that nobody takes for "try again", when the deadline passed. */
static bool wait_for(Sockbuf_IO_Desc *layer, short events)
{
    const int64_t *deadline = layer->sbiod_pvt;
    struct pollfd poller = {.fd = -1, .events = events};

    if (ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &poller.fd) != 1)
        return true;
    for (;;) {
        int64_t left = *deadline - clock_ms();
        int ready = poll(&poller, 1, left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);

        if (ready > 0)
            return true;
        if (ready == 0 || (errno != EINTR && errno != EAGAIN)) {
            errno = ETIMEDOUT;
            return false;
        }
    }
}

static ber_slen_t read_some(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t length)
{
    /* What a layer below has read ahead is not seen by poll(). */
    const bool ready = LBER_SBIOD_CTRL_NEXT(layer, LBER_SB_OPT_DATA_READY, NULL) > 0;

    return ready || wait_for(layer, POLLIN) ? LBER_SBIOD_READ_NEXT(layer, bytes, length) : -1;
}

static ber_slen_t write_some(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t length)
{
    return wait_for(layer, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(layer, bytes, length) : -1;
}

static int close_layer(Sockbuf_IO_Desc *layer)
{
    (void)layer;
    return 0;
}

static Sockbuf_IO layer_calls = {
    .sbi_setup = set_up,
    .sbi_remove = tear_down,
    .sbi_ctrl = control,
    .sbi_read = read_some,
    .sbi_write = write_some,
    .sbi_close = close_layer,
};

bool ldap_deadline_install(LDAP *ld, int64_t *deadline)
{
    Sockbuf *sockbuf = NULL;

    return ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sockbuf) == LDAP_OPT_SUCCESS && sockbuf &&
           ber_sockbuf_add_io(sockbuf, &layer_calls, LEVEL, deadline) == 0;
}
