/* The world of line_world.h. */
#include "tests/calls/line_world.h"

void line_world_told(struct gw_line *line, void *arg)
{
	struct line_world *w = arg;
	struct gw_line_info info;
	size_t used = strlen(w->history);

	gw_line_info(line, &info);
	(void)re_snprintf(w->history + used, sizeof(w->history) - used, "%s%s",
			  used ? " " : "", gw_line_state_name(info.state));
}

static void world_close(void *arg)
{
	struct line_world *w = arg;

	w->line = mem_deref(w->line);
	w->stack = mem_deref(w->stack);
}

int line_world_open_at(struct line_world *w, const char *address,
		       enum gw_transport transport)
{
	const struct gw_stack_listen at = { transport, address, 0 };
	const struct gw_stack_cfg cfg = { .listen = &at,
					  .listen_count = 1,
					  .user_agent = "Bellpull/test" };
	int err;

	gw_tmr_test_clock_start();
	test_later(world_close, w);
	err = registrar_open(&w->pbx, address, transport);
	return err ? err : gw_stack_alloc(&w->stack, &cfg);
}

int line_world_open(struct line_world *w)
{
	return line_world_open_at(w, "127.0.0.1", GW_TRANSPORT_UDP);
}

struct gw_line_cfg line_world_cfg(const struct line_world *w)
{
	return (struct gw_line_cfg){
		.name = "office",
		.user = "858",
		.auth_user = "a858",
		.password = "secret",
		.domain = "127.0.0.1",
		.port = sa_port(&w->pbx.addr),
		.do_register = true,
		.expires_s = 600,
		.nat_auto = true,
	};
}

int line_world_start(struct line_world *w, const struct gw_line_cfg *cfg)
{
	int err = gw_line_alloc(&w->line, w->stack, cfg, line_world_told, w);

	return err ? err : gw_line_start(w->line);
}

struct gw_line_info line_world_facts(const struct line_world *w)
{
	struct gw_line_info info;

	gw_line_info(w->line, &info);
	return info;
}
