/* What a simulated callee lets be heard. */
#include "sip/sim_impl.h"

/* One who only echoes would wait for ever for another one who does: it says hello
 * first, and then sends back what it hears. */
static void say_hello_or_echo(struct gw_sim_callee *c)
{
	if (c->has_said_hello) {
		(void)gw_media_play(c->port, NULL);
		(void)gw_media_echo(c->port, true);
		return;
	}
	(void)gw_media_echo(c->port, false);
	(void)gw_media_play(c->port, c->sim->sounds[GW_SIM_HELLO]);
}

void gw_sim_talk(struct gw_sim_callee *c, enum gw_sim_sound sound)
{
	struct sa rtp, rtcp;

	if (!c->port || c->script->quirks & GW_SIM_NO_MEDIA)
		return;
	if (sa_set_str(&rtp, c->remote.address, c->remote.rtp_port) ||
	    sa_set_str(&rtcp, c->remote.address, c->remote.rtcp_port))
		return; /* a name: nobody in the sandbox has one */
	if (gw_media_remote(c->port, &rtp, &rtcp, &c->remote.codec,
			    c->remote.dir))
		return;
	if (sound == GW_SIM_ECHO) {
		say_hello_or_echo(c);
		return;
	}
	(void)gw_media_echo(c->port, false);
	(void)gw_media_play(c->port, c->sim->sounds[sound]);
}

void gw_sim_has_played(struct gw_sim_callee *c)
{
	if (c->has_said_hello || c->script->sound != GW_SIM_ECHO || !c->dlg)
		return;
	c->has_said_hello = true;
	(void)gw_media_echo(c->port, true);
}
