/* automxd.c - the daemon: options, configuration, start, signals, stop. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/settings.h"
#include "base/text.h"
#include "http/confine.h"
#include "http/notify.h"
#include "http/server.h"
#include "store/store.h"

enum {
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    STOP_SECONDS = 5,
    FAULTS_SHOWN = 1000,
    RETIRED_MAX = 8,
    RETIRED_CHECK_MS = 200,
};

static const char default_host[] = "127.0.0.1";
static const char default_port[] = "4243";

struct options {
    const char *config;
    const char *host;
    const char *port;
    bool check;
};

static const char usage[] =
    "Usage: automxd [--config FILE] [--host ADDRESS] [--port NUMBER] [--check-config]\n"
    "\n"
    "Tells mail clients how to set themselves up.\n"
    "\n"
    "  --config FILE    the configuration; else the first of $AUTOMX2_CONF, ~/.automx2.conf,\n"
    "                   /etc/automx2/automx2.conf and /etc/automx2.conf\n"
    "  --host ADDRESS   listen on this address instead of the configured ones\n"
    "  --port NUMBER    listen on this port instead of the configured ones; 0 takes a free one\n"
    "  --check-config   print the settings, look for faults in the accounts, and end\n"
    "  --version        print the version, and end\n"
    "  --help           print this, and end\n"
    "\n"
    "Exit status: 0 good, 1 failed (with --check-config: there are faults), 2 wrong usage or\n"
    "configuration. See automxd(8) and automxd.conf(5).\n";

static int complain(const char *sentence)
{
    fprintf(stderr, "automxd: %s\nTry 'automxd --help'.\n", sentence);
    return EXIT_USAGE;
}

/* 0 to go on, else 1 + the exit status. */
static int read_options(int argc, char **argv, struct options *options_r)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"host", required_argument, NULL, 'H'},
        {"port", required_argument, NULL, 'p'},
        {"check-config", no_argument, NULL, 'C'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    unsigned long port;
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            options_r->config = optarg;
            break;
        case 'H':
            options_r->host = optarg;
            break;
        case 'p':
            if (!text_parse_unsigned(optarg, 65535, &port))
                return 1 + complain("--port wants a number up to 65535");
            options_r->port = optarg;
            break;
        case 'C':
            options_r->check = true;
            break;
        case 'v':
            printf("automxd %s\n", AUTOMXD_VERSION);
            return 1 + EXIT_SUCCESS;
        case 'h':
            fputs(usage, stdout);
            return 1 + EXIT_SUCCESS;
        default:
            fputs("Try 'automxd --help'.\n", stderr); /* getopt has said what is wrong */
            return 1 + EXIT_USAGE;
        }
    }
    return optind < argc ? 1 + complain("there is an argument too many") : 0;
}

/* The configuration with what the command line says instead. */
static enum status load_settings(const struct options *options, struct settings **settings_r, struct error *error_r)
{
    enum status status = settings_load(options->config, settings_r, error_r);
    if (status != STATUS_OK || (!options->host && !options->port))
        return status;
    const char *host = options->host ? options->host : default_host;
    bool brackets = strchr(host, ':') && host[0] != '[';
    (*settings_r)->listen = arena_format((*settings_r)->arena, "%s%s%s:%s", brackets ? "[" : "", host,
                                         brackets ? "]" : "", options->port ? options->port : default_port);
    if ((*settings_r)->listen)
        return STATUS_OK;
    settings_free(settings_r);
    return error_set(error_r, STATUS_LIMIT, "out of memory");
}

static int exit_status(enum status status)
{
    return status == STATUS_INVALID || status == STATUS_REFUSED ? EXIT_USAGE : EXIT_FAILED;
}

static void count_fault(void *context, const char *sentence)
{
    unsigned *faults = context;
    (*faults)++;
    printf("fault: %s\n", sentence);
}

/* --check-config. What a start would open is opened, so that a wrong path or password is found here. Takes the settings
 * over. */
static int check_config(struct settings *settings)
{
    struct service *service = NULL;
    struct error error = {""};
    unsigned faults = 0;

    printf("# %s\n", settings->file ? settings->file : "no configuration file was found: these are the defaults");
    settings_print(settings, stdout);
    enum status status = service_new(settings, false, &service, &error);
    if (!service)
        settings_free(&settings);
    if (status == STATUS_OK)
        status = service_examine(service, FAULTS_SHOWN, count_fault, &faults, &error);
    service_unref(&service);

    if (status != STATUS_OK) {
        fflush(stdout);
        log_error("%s", error.text);
        return exit_status(status);
    }
    printf("# %u fault%s in the accounts%s\n", faults, faults == 1 ? "" : "s",
           faults >= FAULTS_SHOWN ? "; there may be more" : "");
    return faults > 0 ? EXIT_FAILED : EXIT_SUCCESS;
}

static sigset_t signals, stop_signals;

/* SIGTERM or SIGINT came while this thread was busy. */
static volatile sig_atomic_t stop_asked;

static void give_up_waiting(int number)
{
    static const char message[] = "automxd: stopping took too long; the rest was cut off\n";
    ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
    (void)ignored;
    _exit(EXIT_SUCCESS);
}

/* Look-ups may hang in a dead database; the administrator's stop shall not. */
static void limit_stop(void)
{
    const struct itimerval limit = {.it_value = {.tv_sec = STOP_SECONDS - 1, .tv_usec = 800000}};
    setitimer(ITIMER_REAL, &limit, NULL);
}

static void note_stop(int number)
{
    if (!stop_asked)
        limit_stop();
    stop_asked = 1;
}

/* Blocked before any thread is there, so that this thread alone gets them: serve() takes them one by one. */
static void take_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = give_up_waiting}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = note_stop, .sa_flags = SA_RESTART}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = note_stop, .sa_flags = SA_RESTART}, NULL);
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    signals = stop_signals;
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* While this thread waits for a database, the time that a stop may take already runs. No thread is made meanwhile that
 * could get the signals instead: those of look-ups block them all. */
static void heed_stop(bool heed)
{
    pthread_sigmask(heed ? SIG_UNBLOCK : SIG_BLOCK, &stop_signals, NULL);
}

/* Services that requests in flight began with; freed when nobody else has them. */
struct retired {
    struct service *services[RETIRED_MAX];
    size_t count;
};

static void free_retired(struct retired *retired, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < retired->count; i++) {
        if (all || service_is_idle(retired->services[i])) {
            heed_stop(true);
            service_unref(&retired->services[i]);
            heed_stop(false);
        } else {
            retired->services[kept++] = retired->services[i];
        }
    }
    retired->count = kept;
}

/* A new configuration works as a whole, or the old one stays. */
static void reload(const struct options *options, const struct sandbox *sandbox, struct http_server *server,
                   struct service **service, struct retired *retired)
{
    struct settings *settings = NULL;
    struct service *fresh = NULL;
    struct error error = {""};
    enum status status = STATUS_OK;
    notify_reloading();
    log_forget();
    if (retired->count == RETIRED_MAX)
        status = error_set(&error, STATUS_LIMIT, "requests still use the last ones; try again in a moment");
    if (status == STATUS_OK)
        status = load_settings(options, &settings, &error);
    if (status == STATUS_OK)
        status = confine_check(sandbox, settings, &error);
    heed_stop(true);
    if (status == STATUS_OK)
        status = service_new(settings, false, &fresh, &error);
    heed_stop(false);
    if (status != STATUS_OK) {
        settings_free(&settings);
        log_error("the old configuration stays: %s", error.text);
    } else {
        http_server_swap(server, fresh);
        retired->services[retired->count++] = *service;
        *service = fresh;
        log_set_level(settings->loglevel);
        log_info("read %s again", settings->file ? settings->file : "the defaults");
        service_check(fresh);
    }
    notify_send("READY=1");
}

/* Every connection needs a descriptor, and the default of 1024 is for programs that use select(). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void serve(const struct options *options, const struct sandbox *sandbox, struct http_server *server,
                  struct service **service, struct retired *retired)
{
    const struct timespec soon = {.tv_nsec = RETIRED_CHECK_MS * 1000000L};
    while (!stop_asked) {
        int number = sigtimedwait(&signals, NULL, retired->count > 0 ? &soon : NULL);
        if (number == SIGTERM || number == SIGINT)
            note_stop(number);
        if (number == SIGHUP)
            reload(options, sandbox, server, service, retired);
        if (!stop_asked)
            free_retired(retired, false);
    }
}

static int run(const struct options *options, struct settings *settings)
{
    struct sandbox *sandbox = NULL;
    struct service *service = NULL;
    struct http_server *server = NULL;
    struct retired retired = {.count = 0};
    struct error error = {""};

    raise_descriptor_limit();
    take_signals();
    if (!settings->file)
        log_warning("no configuration file was found: the defaults are used, with an empty database in memory");
    enum status status = confine(settings, &sandbox, &error);
    heed_stop(true);
    if (status == STATUS_OK)
        status = service_new(settings, true, &service, &error);
    heed_stop(false);
    if (!service)
        settings_free(&settings);
    if (status == STATUS_OK)
        status = http_server_start(service, &server, &error);
    if (status != STATUS_OK) {
        log_critical("%s", error.text);
        goto out;
    }
    notify_send("READY=1");
    service_check(service);
    serve(options, sandbox, server, &service, &retired);

    notify_send("STOPPING=1");
    log_info("stopping");
    http_server_stop(&server);
    free_retired(&retired, true);
out:
    service_unref(&service);
    sandbox_free(&sandbox);
    return status == STATUS_OK ? EXIT_SUCCESS : exit_status(status);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct settings *settings = NULL;
    struct error error = {""};

    int ended = read_options(argc, argv, &options);
    if (ended)
        return ended - 1;
    log_open("automxd");
    enum status status = load_settings(&options, &settings, &error);
    if (status != STATUS_OK) {
        log_critical("%s", error.text);
        return EXIT_USAGE;
    }
    log_set_level(settings->loglevel);
    if (!options.check)
        return run(&options, settings);
    return check_config(settings);
}
