/* What a port hears, as sound: for the other side where the codec is another. An
 * ear, and with it a decoder, is there only while somebody listens. */
#include "sip/media/port_impl.h"

static bool is_listened_to(const struct gw_port *port)
{
	return port->way == GW_WAY_CONVERT;
}

static void on_sound(const int16_t *samples, size_t count, uint32_t rate,
		     void *arg)
{
	struct gw_port *port = arg;

	gw_port_pass_sound(port, samples, count, rate);
}

static void on_pause(uint32_t samples, uint32_t rate, bool fresh, void *arg)
{
	struct gw_port *port = arg;

	gw_port_pass_pause(port, samples, rate, fresh);
}

void gw_port_hear(struct gw_port *port, const struct gw_rtp *rtp)
{
	const struct gw_ear_to to = { .soundh = on_sound,
				      .pauseh = on_pause,
				      .arg = port };

	if (is_listened_to(port) && gw_port_may_receive(port))
		gw_ear_take(&port->ear, &port->codec, rtp, &to);
}

void gw_port_update_ear(struct gw_port *port)
{
	if (!is_listened_to(port))
		gw_ear_close(&port->ear);
}
