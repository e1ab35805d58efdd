/* Options, start order, stop order; nothing else.
 *
 *   start   configuration, store, media, lines, leftovers of a process that
 *           died, HTTP, registration
 *   stop    no new calls; running ones may finish for drain_s, then BYE; lines
 *           unregister; recordings are finished; the store commits what waits and is joined; streams and
 *           connections end; media; SIP. A second signal hastens it. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <re.h>
#define DEBUG_MODULE "main"
#define DEBUG_LEVEL  0
#include <re_dbg.h>

#include "config/config.h"
#include "server/app.h"
#include "server/crm.h"
#include "server/auth.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/fence.h"
#include "server/http.h"
#include "server/key_tool.h"
#include "server/lines.h"
#include "server/log.h"
#include "server/loop.h"
#include "server/metrics.h"
#include "server/notify.h"
#include "server/policy.h"
#include "server/recordings.h"
#include "server/recovery.h"
#include "server/refusal.h"
#include "server/registry.h"
#include "server/reload.h"
#include "server/routes.h"
#include "server/sounds.h"
#include "server/sse.h"
#include "server/webhook.h"
#include "server/store.h"
#include "server/store_keys.h"
#include "server/version.h"
#include "sip/media/media.h"

enum { GIVE_UP_MS = 5000 };

static struct gw_app app;
static struct {
	struct tmr drain_tmr;
	const char *config; /* the file, or NULL */
	bool stopping;
	int status;
} run;

/* Options ------------------------------------------------------------------- */

static const char help[] =
	"bellpull: a click-to-call gateway. HTTP in, SIP out.\n"
	"\n"
	"  --config FILE   settings (JSON with comments); without it the sandbox runs on\n"
	"                  http://127.0.0.1:8080\n"
	"  --sandbox       the sandbox, too, whatever the file says\n"
	"  --check         read the settings, say what is wrong, and end\n"
	"  --help-config   every setting with its default (=markdown: as a table of Markdown)\n"
	"  --routes        every route of the API\n"
	"  --version, --help\n"
	"\n"
	"%s"
	"\n"
	"Exit codes: 0 stopped as asked; 64 an option is wrong; 65 there is such a key already,\n"
	"or none; 69 an address can't be\n"
	"listened on; 70 out of memory or a fault inside; 74 the store can't be opened;\n"
	"78 a setting is wrong.\n";

struct options {
	const char *config;
	bool sandbox, check;
	int words; /* index of the first one behind the options; 0: none */
};

static void print_routes(void)
{
	static const struct {
		enum gw_method method;
		const char *name;
	} names[] = {
		{ GW_GET, "GET" },       { GW_POST, "POST" },
		{ GW_DELETE, "DELETE" }, { GW_PUT, "PUT" },
		{ GW_PATCH, "PATCH" },
	};
	size_t i, k;

	for (i = 0; i < gw_route_count; i++)
		for (k = 0; k < ARRAY_SIZE(names); k++)
			if (gw_routes[i].method & names[k].method)
				(void)printf("%s %s %s\n", names[k].name,
					     gw_routes[i].path,
					     gw_routes[i].operation_id);
}

/* Returns -1 to go on, or the exit code. */
static int read_options(struct options *opt, int argc, char *argv[])
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'f' },
		{ "sandbox", no_argument, NULL, 's' },
		{ "check", no_argument, NULL, 'c' },
		{ "help-config", optional_argument, NULL, 'H' },
		{ "routes", no_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	/* '+': what stands behind the first word is the word's */
	while ((c = getopt_long(argc, argv, "+f:h", known, NULL)) != -1) {
		switch (c) {
		case 'f':
			opt->config = optarg;
			break;
		case 's':
			opt->sandbox = true;
			break;
		case 'c':
			opt->check = true;
			break;
		case 'H':
			return gw_config_help(stdout,
					      optarg && !strcmp(optarg,
								"markdown") ?
						      GW_CONFIG_HELP_MARKDOWN :
						      GW_CONFIG_HELP_TEXT) ?
				       EX_SOFTWARE :
				       0;
		case 'r':
			print_routes();
			return 0;
		case 'v':
			(void)puts("bellpull " GW_VERSION);
			return 0;
		case 'h':
			(void)printf(help, gw_key_tool_help);
			return 0;
		default:
			(void)fputs("bellpull: --help lists the options\n",
				    stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc && !strcmp(argv[optind], "key")) {
		opt->words = optind + 1;
		return -1;
	}
	if (optind < argc) {
		(void)fprintf(
			stderr,
			"bellpull: \"%s\" is no option; --help lists them\n",
			argv[optind]);
		return EX_USAGE;
	}
	return -1;
}

/* What the table of settings can't tell: of rules, and of keys. */
static bool is_config_whole(const struct gw_config *cfg, const char *path)
{
	char pointer[128], why[160];

	if (!gw_policy_config(&cfg->policy, pointer, sizeof(pointer), why,
			      sizeof(why)) &&
	    !gw_webhooks_config(cfg, pointer, sizeof(pointer), why,
				sizeof(why)) &&
	    !gw_crm_config(cfg, pointer, sizeof(pointer), why, sizeof(why)))
		return true;
	(void)fprintf(stderr, "bellpull: %s: %s: %s\n",
		      path ? path : "environment", pointer, why);
	return false;
}

static int load_config(const struct options *opt)
{
	struct gw_config_errors *errs;
	char text[512];
	size_t i;
	int err;

	errs = mem_zalloc(sizeof(*errs), NULL);
	if (!errs)
		return EX_SOFTWARE;
	/* the option is a setting like any other */
	if (opt->sandbox && setenv("BELLPULL_SANDBOX", "true", 1)) {
		mem_deref(errs);
		return EX_SOFTWARE;
	}
	err = gw_config_load(&app.cfg, opt->config, errs);
	if (!err && !is_config_whole(app.cfg, opt->config)) {
		mem_deref(errs);
		return EX_CONFIG;
	}
	for (i = 0; err && i < errs->count; i++) {
		gw_config_error_print(text, sizeof(text), &errs->list[i]);
		(void)fprintf(stderr, "bellpull: %s: %s\n",
			      opt->config ? opt->config : "environment", text);
	}
	mem_deref(errs);
	if (err == EINVAL)
		(void)fputs(
			"bellpull: nothing was started; mend this and try again "
			"(--help-config lists the settings)\n",
			stderr);
	return err == EINVAL ? EX_CONFIG : err ? EX_SOFTWARE : 0;
}

/* Looking for keys makes no store: it would be that of whoever runs --check. */
static bool has_stored_key(const struct gw_config *cfg)
{
	const char *path = strchr(cfg->store.url, ':');
	struct gw_store_keys *keys = NULL;
	struct gw_store_read *rd = NULL;
	char why[256];
	bool has;

	if (!path || access(path + 1, F_OK))
		return false;
	has = !gw_store_keys_open(&keys, cfg->store.url, why, sizeof(why)) &&
	      !gw_store_keys_list(keys, &rd) && rd->key_count;
	mem_deref(rd);
	mem_deref(keys);
	return has;
}

/* Whoever reaches the API may place calls that cost money: a door that others can
 * reach needs a key. */
static bool is_locked(const struct gw_config *cfg)
{
	if (cfg->key_count || !gw_config_open_door(cfg) || has_stored_key(cfg))
		return true;
	(void)fputs(
		"bellpull: /http/listen: can be reached by others, and there "
		"is no key: anybody could place calls. Make one with "
		"`bellpull key add NAME`, or add \"keys\": [{ \"name\": "
		"\"crm\", \"secret\": \"env:BELLPULL_KEY\" }], or listen "
		"on 127.0.0.1\n",
		stderr);
	return false;
}

static int check_config(const char *path)
{
	struct gw_config_errors *errs = mem_zalloc(sizeof(*errs), NULL);
	struct gw_config *cfg = NULL;
	int code;

	code = !errs || gw_config_check_print(stdout, path) ? EX_CONFIG : 0;
	if (!code && !gw_config_load(&cfg, path, errs) &&
	    (!is_config_whole(cfg, path) || !is_locked(cfg)))
		code = EX_CONFIG;
	mem_deref(cfg);
	mem_deref(errs);
	return code;
}

/* Stop order ---------------------------------------------------------------- */

static void lines_stopped(void *arg)
{
	(void)arg;
	gw_loop_stop();
}

static void calls_ended(void *arg)
{
	(void)arg;
	tmr_cancel(&run.drain_tmr);
	gw_registry_drain(NULL, NULL); /* once is enough */
	gw_lines_stop(lines_stopped, NULL);
}

/* Every call has ended, but the disk does not take it: the next start will tell
 * their ends. */
static void give_up(void *arg)
{
	gw_log(GW_LOG_ERROR, "gateway.unsaved",
	       GW_F_STR("why", "calls have ended whose end is not on disk"));
	calls_ended(arg);
}

static void drain_over(void *arg)
{
	(void)arg;
	tmr_start(&run.drain_tmr, GIVE_UP_MS, give_up, NULL);
	gw_registry_end_all();
}

static void stop(int status)
{
	const struct gw_news news = {
		.type = "gateway.draining",
		.seq = -1,
		.at_ms = gw_clock_ms(),
	};

	if (run.stopping) {
		/* a second signal: don't wait for people to finish talking */
		if (tmr_isrunning(&run.drain_tmr))
			drain_over(NULL);
		return;
	}
	run.stopping = true;
	run.status = status;
	gw_notify("STOPPING=1");
	gw_log(GW_LOG_INFO, "gateway.draining",
	       GW_F_INT("drain_s", app.cfg->drain_s));
	(void)gw_events_tell(app.events, &news, NULL);
	if (app.http)
		gw_http_set_draining(app.http, true);
	tmr_start(&run.drain_tmr, (uint64_t)app.cfg->drain_s * 1000, drain_over,
		  NULL);
	gw_registry_drain(calls_ended, NULL);
}

static void on_signal(int sig, void *arg)
{
	(void)arg;
	switch (sig) {
	case SIGTERM:
	case SIGINT:
		stop(0);
		break;
	case SIGUSR1:
		gw_log_cycle();
		break;
	default: /* SIGHUP */
		if (!run.stopping)
			gw_reload(&app, run.config);
		break;
	}
}

/* After the loop: what is left, in an order that loses nothing. The store comes
 * first among those that others wait for: its last answers are still given. */
static void close_all(void)
{
	if (app.http)
		gw_http_quiesce(app.http);
	/* the last recordings are written, and told of */
	gw_recordings_close();
	if (app.auth)
		gw_auth_close(app.auth);
	gw_audit_close();
	gw_loop_drain();
	if (app.events) {
		gw_registry_flush();
		gw_events_flush(app.events);
	}
	if (app.webhooks)
		gw_webhooks_stop(app.webhooks);
	if (app.store)
		gw_store_close(app.store);
	gw_loop_drain();
	if (app.sse)
		gw_sse_drain(app.sse);
	if (app.http) {
		gw_http_drain(app.http);
		gw_http_close(app.http);
	}
	gw_registry_close();
	gw_crm_take(NULL);
	gw_recovery_close();
	gw_lines_close();
	if (app.media)
		gw_media_stop(app.media);
	gw_loop_drain();
	gw_lines_free();
	gw_registry_count(NULL);
	gw_refusal_count(NULL);
	gw_registry_webhooks(NULL);
	app.webhooks = mem_deref(app.webhooks);
	app.metrics = mem_deref(app.metrics);
	app.http = mem_deref(app.http);
	app.sse = mem_deref(app.sse);
	app.events = mem_deref(app.events);
	app.auth = mem_deref(app.auth);
	gw_sounds_close();
	tmr_cancel(&run.drain_tmr);
	gw_notify_watchdog_stop();
	gw_loop_close();
	app.cfg = mem_deref(app.cfg);
}

/* Start order --------------------------------------------------------------- */

static int media_post(void (*fn)(void *fn_arg), void *fn_arg, void *arg)
{
	(void)arg;
	return gw_loop_post(fn, fn_arg);
}

static bool ready(void *arg, struct mbuf *checks)
{
	uint32_t retry_s;
	const bool lines_ok = !gw_lines_all_failed(&retry_s);
	const int store_err = gw_store_health(app.store);
	(void)arg;

	(void)mbuf_printf(checks, "\"store\":\"%s\",\"lines\":\"%s\"",
			  store_err ? strerror(store_err) : "ok",
			  lines_ok ? "ok" : "all failed");
	return !store_err && lines_ok;
}

/* What a reader of /events gets whose past is gone. */
static int snapshot(struct mbuf *mb, const struct gw_key *key, void *arg)
{
	int err;
	(void)arg;

	err = mbuf_write_str(mb, "{\"calls\":");
	err |= gw_registry_print_all(mb, key);
	err |= mbuf_write_str(mb, ",\"lines\":");
	err |= gw_lines_print_all(mb, key);
	err |= mbuf_write_str(mb, "}");
	return err;
}

static uint32_t calls_active(void *arg)
{
	struct gw_registry_stats stats;
	(void)arg;

	gw_registry_stats(&stats);
	return stats.living;
}

static void each_line(void (*h)(const char *line, int registered, void *harg),
		      void *harg, void *arg)
{
	struct gw_line_info info;
	size_t i;
	(void)arg;

	for (i = 0; i < gw_lines_count(); i++) {
		gw_line_info(gw_lines_at(i), &info);
		h(info.name, info.state == GW_LINE_REGISTERED, harg);
	}
}

static void fail(int status, const char *what, const char *why)
{
	gw_log(GW_LOG_ERROR, "gateway.start_failed", GW_F_STR("what", what),
	       GW_F_STR("why", why));
	run.status = status;
	gw_loop_stop();
}

static void greet(void)
{
	const char *url;
	size_t i;

	for (i = 0; (url = gw_http_url(app.http, i)); i++)
		gw_log(GW_LOG_INFO, "gateway.listening", GW_F_STR("url", url));
	url = gw_http_url(app.http, 0);
	if (app.cfg->sandbox && isatty(STDOUT_FILENO))
		(void)printf(
			"\n  Bellpull is up, with the sandbox. Try it:\n\n"
			"    curl -N %s/events &\n"
			"    curl -X POST %s/calls -d '{\"to\":\"853\"}'\n\n"
			"  or open %s/ in a browser. Ctrl-C stops it.\n\n",
			url, url, url);
	(void)fflush(stdout);
}

static void sip_dropped(struct gw_stack_dropped *dropped, void *arg)
{
	(void)arg;
	gw_lines_dropped(dropped);
}

static int open_metrics(void)
{
	const struct gw_metrics_src src = {
		.store = app.store,
		.events = app.events,
		.sse = app.sse,
		.http = app.http,
		.calls_activeh = calls_active,
		.linesh = each_line,
		.sip_droppedh = sip_dropped,
		.webhooks = app.webhooks,
	};

	const int err = gw_metrics_alloc(&app.metrics, &src);

	if (!err) {
		gw_registry_count(app.metrics);
		gw_refusal_count(app.metrics);
	}
	return err;
}

/* Streams of keys that were taken away end now. */
static void keys_changed(void *arg)
{
	(void)arg;
	if (app.http)
		gw_http_streams_cut(app.http);
}

/* Who may ask is known, what was asked today is counted, and what a dead process left behind is settled: the doors
 * may open. */
static bool may_still(const struct gw_key **keyp, const char *name, void *arg)
{
	static const char prefix[] =
		"hook:"; /* no key of people's has a colon */
	const struct gw_crm_hook *hook;

	if (!name || strncmp(name, prefix, strlen(prefix)) != 0)
		return gw_auth_still(arg, keyp, name);
	hook = gw_crm_find(name + strlen(prefix));
	if (!hook || !hook->cfg->enabled)
		return false;
	*keyp = mem_ref(hook->key);
	return true;
}

static void ready_to_open(int err, void *arg)
{
	const struct gw_http_cfg cfg = {
		.config = app.cfg,
		.auth = app.auth,
		.routes = gw_routes,
		.route_count = gw_route_count,
		.app = &app,
		.readyh = ready,
	};
	char why[256] = "";
	(void)arg;

	if (err) {
		fail(EX_IOERR, "store", strerror(err));
		return;
	}
	err = gw_http_open(&app.http, &cfg, why, sizeof(why));
	if (err) {
		fail(EX_UNAVAILABLE, "http", why[0] ? why : strerror(err));
		return;
	}
	err = open_metrics();
	err = err ? err : gw_webhooks_start(app.webhooks);
	err = err ? err : gw_lines_register();
	if (err) {
		fail(EX_SOFTWARE, "lines", strerror(err));
		return;
	}
	gw_recovery_bye();
	gw_registry_keys(may_still, app.auth);
	gw_recovery_resume();
	greet();
	if (gw_registry_is_frozen())
		gw_log(GW_LOG_WARNING, "gateway.frozen",
		       GW_F_STR("why",
				"POST /admin/freeze has stopped new calls; "
				"{\"frozen\":false} takes it back"));
	gw_notify("READY=1");
	gw_notify_watchdog_start();
}

static void keys_known(int err, void *arg)
{
	(void)arg;
	if (!err)
		err = gw_registry_recount(ready_to_open, NULL);
	if (err)
		fail(EX_IOERR, "store", strerror(err));
}

static void recovered(int err, void *arg)
{
	(void)arg;
	if (!err)
		err = gw_auth_follow(app.auth, app.store, keys_known,
				     keys_changed, NULL);
	if (err)
		fail(EX_IOERR, "store", strerror(err));
}

static int open_store(void)
{
	const struct gw_store_cfg cfg = {
		.url = app.cfg->store.url,
		.linger_ms = app.cfg->store.linger_ms,
		.keep_days = app.cfg->store.keep_days,
		.idempotency_hours = app.cfg->limits.idempotency_hours,
	};
	char why[256] = "";
	int err;

	err = gw_store_open(&app.store, &cfg, why, sizeof(why));
	if (err)
		(void)fprintf(stderr, "bellpull: %s: %s\n", cfg.url,
			      why[0] ? why : strerror(err));
	return err;
}

static int open_events(void)
{
	const struct gw_sse_cfg cfg = {
		.heartbeat_s = app.cfg->http.heartbeat_s,
		.streams = app.cfg->limits.streams,
		.streams_per_key = app.cfg->limits.streams_per_key,
	};
	int err;

	err = gw_events_alloc(&app.events, app.store);
	return err ? err :
		     gw_sse_alloc(&app.sse, app.events, app.store, &cfg,
				  snapshot, NULL);
}

static int open_media(void)
{
	const struct gw_media_cfg cfg = {
		.port_min = app.cfg->media.port_min,
		.port_max = app.cfg->media.port_max,
		.dscp = 46, /* EF, RFC 4594 4.1 */
	};
	int err;

	err = gw_media_start(&app.media, &cfg, media_post, NULL);
	return err ? err : gw_sounds_load(app.cfg->media.sounds);
}

static int start(void)
{
	struct gw_crm_hooks *hooks = NULL;
	int err;

	if (open_store())
		return EX_IOERR;
	err = open_media();
	err = err ? err :
		    gw_recordings_open(app.cfg->media.recordings,
				       app.cfg->store.keep_days);
	err = err ? err : open_events();
	err = err ? err :
		    gw_webhooks_alloc(&app.webhooks, app.cfg, app.store,
				      app.events);
	gw_audit_open(app.store);
	err = err ? err : gw_crm_prepare(&hooks, app.cfg);
	gw_crm_take(hooks);
	err = err ? err :
		    gw_lines_start(app.cfg, gw_store_facts(app.store)->secret,
				   app.events, app.media);
	err = err ? err :
		    gw_auth_alloc(&app.auth, app.cfg,
				  gw_store_facts(app.store)->secret);
	err = err ? err :
		    gw_registry_open(app.cfg, app.store, app.events, app.media);
	gw_registry_webhooks(app.webhooks);
	err = err ? err :
		    gw_recovery_run(app.store, app.events, recovered, NULL);
	if (err)
		(void)fprintf(stderr, "bellpull: could not start: %s\n",
			      strerror(err));
	return err ? EX_SOFTWARE : 0;
}

/* Passwords and keys are in memory: no core file shall have them, and no other
 * process of the same user. (A sanitizer must look into its own.) */
static void keep_memory_private(void)
{
#ifndef GW_DEBUG
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Before the first thread. (A sanitizer needs more of the kernel.) */
static void fence_in(void)
{
#ifndef GW_DEBUG
	const int err = gw_fence_enter();

	if (err)
		gw_log(GW_LOG_INFO, "gateway.unfenced", GW_F_ERR("why", err));
#endif
}

int main(int argc, char *argv[])
{
	struct options opt = { .config = NULL };
	int code;

	keep_memory_private();
	code = read_options(&opt, argc, argv);
	if (code >= 0)
		return code;
	if (opt.check)
		return check_config(opt.config);
	code = load_config(&opt);
	if (!code && opt.words)
		code = gw_key_tool(app.cfg, argc - opt.words, argv + opt.words);
	else if (!code && !is_locked(app.cfg))
		code = EX_CONFIG;
	if (code || opt.words) {
		app.cfg = mem_deref(app.cfg);
		return code;
	}
	run.config = opt.config;
	gw_reload_log(app.cfg);
	(void)signal(SIGPIPE, SIG_IGN);

	/* what a stranger sends is no news for the log */
	dbg_init(DBG_ERR, DBG_NONE);
	if (libre_init() || gw_loop_init() ||
	    gw_loop_signals(on_signal, NULL)) {
		(void)fputs("bellpull: the event loop could not be made\n",
			    stderr);
		return EX_SOFTWARE;
	}
	fence_in();
	tmr_init(&run.drain_tmr);
	run.status = start();
	if (!run.status)
		(void)gw_loop_run();
	close_all();
	libre_close();
	return run.status;
}
