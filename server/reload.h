/* The settings read again while the gateway runs (SIGHUP). */
#ifndef BELLPULL_SERVER_RELOAD_H
#define BELLPULL_SERVER_RELOAD_H

struct gw_app;
struct gw_config;

/* Reads the configuration at path (NULL: the environment alone) and checks it
 * whole. If something is wrong, nothing changes. Else app->cfg is another one from
 * now on, and what can change in flight counts for what comes next: running calls
 * and requests go on under what they began with. The log tells what is wrong, or
 * which changed settings need a restart. Blocks for the time of reading files. */
void gw_reload(struct gw_app *app, const char *path);

/* What the log is to be by the configuration; standard output. */
void gw_reload_log(const struct gw_config *cfg);

#endif
