/* Lines by name. See lines.h. */
#include "server/lines.h"

#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/audience.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/json.h"
#include "server/key.h"
#include "server/log.h"
#include "server/version.h"
#include "server/writer.h"
#include "sip/line.h"
#include "sip/session.h"
#include "sip/sim.h"
#include "sip/stack.h"

enum {
	CLOSE_WAIT_MS = 1000,
	FAILED_RETRY_S = 5, /* when no line knows when it tries again */
};

static struct {
	const struct gw_config *cfg;
	struct gw_events *events;
	struct gw_stack *stack;
	struct gw_sim *sim;
	struct gw_line **list;
	size_t count;
	struct gw_line *default_line, *sandbox_line;
	bool stopping;
	size_t closing; /* stacks that are not done yet, and one */
	void (*stoppedh)(void *arg);
	void *stopped_arg;
	struct tmr stop_tmr;
} lines;

static enum gw_transport transport_of(enum gw_config_transport transport)
{
	static const enum gw_transport table[] = {
		[GW_CONFIG_UDP] = GW_TRANSPORT_UDP,
		[GW_CONFIG_TCP] = GW_TRANSPORT_TCP,
		[GW_CONFIG_TLS] = GW_TRANSPORT_TLS,
	};

	return table[transport];
}

static bool is_stopped(const struct gw_line *line)
{
	struct gw_line_info info;

	gw_line_info(line, &info);
	return !info.registers || info.state == GW_LINE_UNREGISTERED ||
	       info.state == GW_LINE_FAILED;
}

static void stack_closed(void *arg)
{
	(void)arg;
	if (--lines.closing)
		return;
	lines.stoppedh(lines.stopped_arg);
}

/* The lines are out; the last BYEs may still wait for their answers. */
static void close_stacks(void *arg)
{
	struct gw_stack *const stacks[] = {
		lines.stack, lines.sim ? gw_sim_stack(lines.sim) : NULL
	};
	size_t i;
	(void)arg;

	lines.closing = 1;
	for (i = 0; i < ARRAY_SIZE(stacks); i++) {
		if (!stacks[i])
			continue;
		++lines.closing;
		gw_stack_close(stacks[i], CLOSE_WAIT_MS, stack_closed, NULL);
	}
	stack_closed(NULL);
}

static void check_stopped(void)
{
	size_t i;

	if (!lines.stopping)
		return;
	for (i = 0; i < lines.count; i++)
		if (!is_stopped(lines.list[i]))
			return;
	lines.stopping = false;
	tmr_start(&lines.stop_tmr, 0, close_stacks, NULL);
}

/* What each state is called in the journal. */
static const char *event_type(enum gw_line_state state)
{
	static const char *const types[] = {
		[GW_LINE_UNREGISTERED] = "line.unregistered",
		[GW_LINE_REGISTERING] = "line.registering",
		[GW_LINE_REGISTERED] = "line.registered",
		[GW_LINE_FAILED] = "line.failed",
		[GW_LINE_UNREGISTERING] = NULL, /* its end is told */
	};

	return types[state];
}

static void line_event(struct gw_line *line, void *arg)
{
	struct gw_news news = { .seq = -1, .at_ms = gw_clock_ms() };
	struct gw_line_info info;
	struct mbuf *data;
	int err = ENOMEM;
	(void)arg;

	gw_line_info(line, &info);
	news.type = event_type(info.state);
	if (!news.type)
		return;
	gw_log(info.state == GW_LINE_FAILED ? GW_LOG_WARNING : GW_LOG_INFO,
	       news.type, GW_F_STR("line", info.name),
	       GW_F_INT("sip", info.last_code),
	       GW_F_STR("reason", info.last_reason));
	data = mbuf_alloc(512);
	if (data)
		err = gw_json_write_line(data, line, gw_lines_is_default(line),
					 news.at_ms);
	if (!err) {
		news.line = info.name;
		news.data = (const char *)data->buf;
		news.data_len = data->end;
		err = gw_events_tell(lines.events, &news, NULL);
	}
	if (err)
		gw_log(GW_LOG_ERROR, "event.lost", GW_F_STR("type", news.type),
		       GW_F_ERR("why", err));
	mem_deref(data);
	check_stopped();
}

static int add(struct gw_stack *stack, const struct gw_line_cfg *cfg,
	       struct gw_line **linep)
{
	int err;

	err = gw_line_alloc(linep, stack, cfg, line_event, NULL);
	if (err) {
		gw_log(GW_LOG_ERROR, "line.unusable",
		       GW_F_STR("name", cfg->name), GW_F_ERR("why", err));
		return err;
	}
	lines.list[lines.count++] = *linep;
	return 0;
}

static int add_sandbox(struct gw_media *media)
{
	struct gw_line_cfg cfg;
	int err;

	err = gw_sim_alloc(&lines.sim, media);
	if (err)
		return err;
	gw_sim_line_cfg(lines.sim, &cfg);
	return add(gw_sim_stack(lines.sim), &cfg, &lines.sandbox_line);
}

static void line_cfg(struct gw_line_cfg *out, const struct gw_config_line *in)
{
	*out = (struct gw_line_cfg){
		.name = in->name,
		.display_name = in->display_name,
		.user = in->user,
		.auth_user = in->auth_user,
		.password = gw_secret_text(in->password, NULL),
		.domain = in->domain,
		.port = in->port,
		.do_register = in->do_register,
		.transport = transport_of(in->transport),
		.proxies = in->proxies.list,
		.proxy_count = in->proxies.count,
		.expires_s = in->expires_s,
		.caller_number = in->caller_id.number,
		.caller_name = in->caller_id.name,
		.caller_privacy = in->caller_id.privacy,
		.caller_ids = in->caller_ids.list,
		.caller_id_count = in->caller_ids.count,
		.identity_header = in->identity_header,
		.auto_answer = in->auto_answer,
		.dial = { .country = in->country,
			  .strip = in->dial.strip,
			  .prefix = in->dial.prefix,
			  .format = in->dial.format,
			  .feature_codes = in->dial.feature_codes },
		.codecs = in->codecs.list,
		.codec_count = in->codecs.count,
		.srtp = in->srtp,
		.nat_auto = in->nat_auto,
		.max_calls = in->max_calls,
		.session_expires_s = in->session_expires_s,
	};
}

/* Whose INVITE it was, by what its From says. */
static struct gw_line *line_of(const struct sip_msg *msg)
{
	for (size_t i = 0; i < lines.count; i++) {
		const struct gw_line_cfg *cfg = gw_line_cfg(lines.list[i]);

		if (!pl_strcmp(&msg->from.uri.user, cfg->user) &&
		    !pl_strcasecmp(&msg->from.uri.host, cfg->domain))
			return lines.list[i];
	}
	return NULL;
}

static void stray(struct gw_stack *stack, struct sip *sip,
		  const struct sip_msg *msg, void *arg)
{
	(void)arg;
	if (gw_session_end_stray(stack, sip, line_of(msg), msg))
		gw_log(GW_LOG_INFO, "call.stray", GW_F_INT("sip", msg->scode));
}

static int start_stack(const struct gw_config *cfg, const uint8_t *secret)
{
	struct gw_stack_cfg stack_cfg = {
		.strayh = stray,
		.secret = secret,
		.advertise = cfg->sip.advertise,
		.ca_file = cfg->sip.ca_file,
		.user_agent = GW_USER_AGENT,
		.ports_may_move = !cfg->sip.ports_chosen,
	};
	struct gw_stack_listen *listen;
	size_t i;
	int err;

	listen =
		mem_zalloc((cfg->sip.listen.count + 1) * sizeof(*listen), NULL);
	if (!listen)
		return ENOMEM;
	for (i = 0; i < cfg->sip.listen.count; i++)
		listen[i] = (struct gw_stack_listen){
			.transport =
				transport_of(cfg->sip.listen.list[i].transport),
			.address = cfg->sip.listen.list[i].address,
			.port = cfg->sip.listen.list[i].port,
		};
	stack_cfg.listen = listen;
	stack_cfg.listen_count = cfg->sip.listen.count;
	err = gw_stack_alloc(&lines.stack, &stack_cfg);
	mem_deref(listen);
	return err;
}

int gw_lines_start(const struct gw_config *cfg, const uint8_t *secret,
		   struct gw_events *events, struct gw_media *media)
{
	size_t i;
	int err;

	lines.cfg = cfg;
	lines.events = events;
	lines.list =
		mem_zalloc((cfg->line_count + 1) * sizeof(*lines.list), NULL);
	if (!lines.list)
		return ENOMEM;
	if (cfg->line_count) {
		err = start_stack(cfg, secret);
		if (err) {
			gw_log(GW_LOG_ERROR, "sip.unusable",
			       GW_F_ERR("why", err));
			return err;
		}
	}
	for (i = 0; i < cfg->line_count; i++) {
		struct gw_line_cfg line;
		struct gw_line *made;

		line_cfg(&line, &cfg->lines[i]);
		err = add(lines.stack, &line, &made);
		if (err)
			return err;
		if (cfg->lines[i].is_default)
			lines.default_line = made;
	}
	if (cfg->sandbox) {
		err = add_sandbox(media);
		if (err) {
			gw_log(GW_LOG_ERROR, "sandbox.unusable",
			       GW_F_ERR("why", err));
			return err;
		}
		if (!lines.default_line)
			lines.default_line = lines.sandbox_line;
	}
	return 0;
}

void gw_lines_reload(const struct gw_config *cfg)
{
	lines.cfg = cfg;
}

int gw_lines_register(void)
{
	size_t i;
	int err = 0;

	for (i = 0; i < lines.count; i++)
		err |= gw_line_start(lines.list[i]);
	return err;
}

void gw_lines_stop(void (*doneh)(void *arg), void *arg)
{
	size_t i;

	lines.stopping = true;
	lines.stoppedh = doneh;
	lines.stopped_arg = arg;
	for (i = 0; i < lines.count; i++)
		gw_line_stop(lines.list[i]);
	check_stopped();
}

void gw_lines_close(void)
{
	tmr_cancel(&lines.stop_tmr);
	lines.stopping = false;
	if (lines.sim)
		gw_sim_close(lines.sim);
	while (lines.count)
		mem_deref(lines.list[--lines.count]);
	lines.list = mem_deref(lines.list);
	lines.default_line = lines.sandbox_line = NULL;
	lines.stack = mem_deref(lines.stack);
}

void gw_lines_free(void)
{
	lines.sim = mem_deref(lines.sim);
}

size_t gw_lines_count(void)
{
	return lines.count;
}

struct gw_line *gw_lines_at(size_t i)
{
	return i < lines.count ? lines.list[i] : NULL;
}

struct gw_line *gw_lines_find(const char *name)
{
	size_t i;

	if (!name)
		return lines.default_line;
	for (i = 0; i < lines.count; i++)
		if (!strcmp(gw_line_name(lines.list[i]), name))
			return lines.list[i];
	return NULL;
}

struct gw_line *gw_lines_default(const struct gw_key *key)
{
	struct gw_line *only = NULL;
	size_t i;

	if (lines.default_line && gw_lines_allowed(key, lines.default_line))
		return lines.default_line;
	for (i = 0; i < lines.count; i++) {
		if (!gw_lines_allowed(key, lines.list[i]))
			continue;
		if (only)
			return NULL;
		only = lines.list[i];
	}
	return only;
}

bool gw_lines_is_default(const struct gw_line *line)
{
	return line == lines.default_line;
}

void gw_lines_dropped(struct gw_stack_dropped *dropped)
{
	if (lines.stack)
		gw_stack_dropped(lines.stack, dropped);
}

bool gw_lines_is_sandbox(const struct gw_line *line)
{
	return line == lines.sandbox_line;
}

struct gw_policy_verdict gw_lines_policy(const struct gw_line *line,
					 const struct gw_key *key,
					 const struct gw_address *addr)
{
	const struct gw_line_cfg *cfg = gw_line_cfg(line);
	const struct gw_policy_ask ask = {
		.policy = &lines.cfg->policy,
		.addr = addr,
		.line = gw_line_name(line),
		.country = cfg->dial.country,
		.dial_prefix = cfg->dial.prefix,
		.sandbox = gw_lines_is_sandbox(line),
		.key = key ? key->name : NULL,
		.project = key ? key->project : NULL,
		.minute_of_week =
			gw_policy_minute_of_week(gw_clock_ms() / 1000),
	};

	return gw_policy_check(&ask);
}

/* Seconds until a call may be tried through it; 0: it may be. */
static uint32_t down_s(const struct gw_line *line)
{
	const int64_t now = gw_clock_ms();
	struct gw_line_info info;
	uint32_t wait_s = 0;

	gw_line_info(line, &info);
	if (info.state == GW_LINE_FAILED)
		wait_s = info.next_try_ms > now ?
				 (uint32_t)((info.next_try_ms - now + 999) /
					    1000) :
				 FAILED_RETRY_S;
	return MAX(wait_s, info.excluded_s);
}

bool gw_lines_all_failed(uint32_t *retry_s)
{
	uint32_t first_s = UINT32_MAX;
	size_t i;

	for (i = 0; i < lines.count; i++)
		first_s = MIN(first_s, down_s(lines.list[i]));
	if (!lines.count || !first_s)
		return false;
	*retry_s = first_s;
	return true;
}

uint32_t gw_lines_excluded_s(const struct gw_line *line)
{
	return gw_line_excluded_s(line);
}

int gw_lines_print(struct mbuf *mb, const struct gw_line *line)
{
	return gw_json_write_line(mb, line, gw_lines_is_default(line),
				  gw_clock_ms());
}

bool gw_lines_allowed(const struct gw_key *key, const struct gw_line *line)
{
	return gw_audience_line(key, gw_line_name(line));
}

int gw_lines_print_all(struct mbuf *mb, const struct gw_key *key)
{
	bool comma = false;
	size_t i;
	int err;

	err = mbuf_write_str(mb, "[");
	for (i = 0; i < lines.count && !err; i++) {
		if (!gw_lines_allowed(key, lines.list[i]))
			continue;
		if (comma)
			err = mbuf_write_str(mb, ",");
		comma = true;
		err |= gw_lines_print(mb, lines.list[i]);
	}
	return err ? err : mbuf_write_str(mb, "]");
}
