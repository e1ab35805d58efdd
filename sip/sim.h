/* The sandbox: a registrar that challenges and simulated callees, a real SIP
 * UAS over loopback in this process, on stacks of its own with ports of its own
 * choice. sim:busy is dialled as sip:busy@ its domain. */
#ifndef BELLPULL_SIP_SIM_H
#define BELLPULL_SIP_SIM_H

#include <stddef.h>
#include <stdint.h>

#include "sip/line.h"

struct gw_sim;
struct gw_media;
struct gw_stack;

/* Starts it on 127.0.0.1. media gives the callees' sound; NULL: they are mute
 * and their SDP names a port where nobody listens. */
int gw_sim_alloc(struct gw_sim **simp, struct gw_media *media);

/* The line that registers at it, user 858 with a password drawn for this
 * process, and the stack that this line needs. Strings live with sim. */
void gw_sim_line_cfg(const struct gw_sim *sim, struct gw_line_cfg *cfg);
struct gw_stack *gw_sim_stack(const struct gw_sim *sim);
uint16_t gw_sim_port(const struct gw_sim *sim);

/* The names that can be dialled, "853" first, and what each of them does: for
 * help texts. NULL past the end. */
const char *gw_sim_callee_name(size_t index);
const char *gw_sim_callee_help(const char *name);

/* Stop order: gw_sim_close() hangs up the callees and gives their media ports
 * back; then gw_media_stop(); then mem_deref() frees the sandbox and the sounds
 * that the media thread was reading. */
void gw_sim_close(struct gw_sim *sim);

#endif
