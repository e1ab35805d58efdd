/* The sandbox: a registrar that challenges and simulated callees, a real SIP
 * UAS over loopback in this process, on a stack of its own with ports of its
 * own choice. */
#ifndef BELLPULL_SIP_SIM_H
#define BELLPULL_SIP_SIM_H

#include <stdint.h>

#include "sip/line.h"

struct gw_sim;
struct gw_media;

/* Starts it on 127.0.0.1. media gives the callees' sound. */
int gw_sim_alloc(struct gw_sim **simp, struct gw_media *media);

/* The line that registers at it: user 858. Strings live with sim. */
void gw_sim_line_cfg(const struct gw_sim *sim, struct gw_line_cfg *cfg);
uint16_t gw_sim_port(const struct gw_sim *sim);

#endif
