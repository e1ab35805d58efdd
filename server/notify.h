/* Telling systemd (sd_notify(3)) without its library. */
#ifndef BELLPULL_SERVER_NOTIFY_H
#define BELLPULL_SERVER_NOTIFY_H

/* state: "READY=1", "STOPPING=1". Nothing where nobody listens. */
void gw_notify(const char *state);

#endif
