/* Telling systemd (sd_notify(3)) without its library. */
#ifndef BELLPULL_SERVER_NOTIFY_H
#define BELLPULL_SERVER_NOTIFY_H

/* state: "READY=1", "STOPPING=1". Nothing where nobody listens. */
void gw_notify(const char *state);

/* RELOADING=1 with its time; READY=1 follows when it is done. */
void gw_notify_reloading(void);

/* What systemd's watchdog asks for: WATCHDOG=1 from the loop, at half of
 * WatchdogSec=, so that a loop that hangs is seen. Nothing when nobody asks. */
void gw_notify_watchdog_start(void);
void gw_notify_watchdog_stop(void);

#endif
