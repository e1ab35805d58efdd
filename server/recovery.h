/* What a process that died left behind: calls without an end. Each gets its
 * leg.ended and call.ended with cause server_restart (completed if it was in
 * progress, else failed), and a BYE where its dialog is known. Those that wait for
 * their time go on waiting. */
#ifndef BELLPULL_SERVER_RECOVERY_H
#define BELLPULL_SERVER_RECOVERY_H

struct gw_events;
struct gw_store;

/* Once, before HTTP listens; no call may be living. doneh is called when all of
 * it is on disk (err 0) or can't be (err). Returns 0 or errno, and then doneh is
 * not called. */
int gw_recovery_run(struct gw_store *store, struct gw_events *events,
		    void (*doneh)(int err, void *arg), void *arg);

/* Sends the BYEs: when the lines are up. */
void gw_recovery_bye(void);
/* Calls for later go back to the registry: when the lines and the keys are known. */
void gw_recovery_resume(void);
void gw_recovery_close(void);

#endif
