/* libcurl's multi interface and its thread: see webhook_send.h.
 *
 *   gw_webhook_send() -> queue, wakeup -> thread: transfers -> note -> loop
 */
#include "server/webhook_send.h"

#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <re.h>

#include "config/config.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/version.h"
#include "server/webhook_target.h"
#include "server/worker.h"

enum {
	ANSWER_MAX = 64 << 10,
	TIMEOUT_MS = 15000,
	CONNECT_MS = 5000,
	IDLE_CONNECTIONS = 128,
	WAIT_MS = 1000,
};

struct gw_webhook_sender {
	struct gw_config_webhooks
		cfg;             /* of it: who may be told. The list is held */
	struct gw_worker worker; /* its lock: head, tail */
	struct gw_webhook_request *head, **tail;
	CURLM *multi;
	struct gw_webhook_request *going; /* the thread's */
	bool global;
};

static void request_destructor(void *arg)
{
	struct gw_webhook_request *req = arg;

	for (size_t i = 0; i < ARRAY_SIZE(req->headers); i++)
		mem_deref(req->headers[i]);
	mem_deref(req->made);
}

struct gw_webhook_request *gw_webhook_request_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_webhook_request),
			  request_destructor);
}

/* What libcurl asks ------------------------------------------------------------ */

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return !memcmp(
			&((const struct sockaddr_in *)(const void *)a)->sin_addr,
			&((const struct sockaddr_in *)(const void *)b)->sin_addr,
			sizeof(struct in_addr));
	return a->sa_family == AF_INET6 &&
	       !memcmp(&((const struct sockaddr_in6 *)(const void *)a)
				->sin6_addr,
		       &((const struct sockaddr_in6 *)(const void *)b)
				->sin6_addr,
		       sizeof(struct in6_addr));
}

/* One of this machine's, public as it may be. */
static bool is_own(const struct sockaddr *sa)
{
	struct ifaddrs *list = NULL;
	bool own = false;

	if (getifaddrs(&list))
		return false;
	for (const struct ifaddrs *i = list; i && !own; i = i->ifa_next)
		own = i->ifa_addr && same_address(i->ifa_addr, sa);
	freeifaddrs(list);
	return own;
}

/* Called with the address itself: no name and no way of writing it matters. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	struct gw_webhook_request *req = arg;
	const struct gw_webhook_sender *s = req->own.note.arg;
	const struct gw_config_webhooks *cfg = &s->cfg;
	const char *why = gw_webhook_target_refuse(&address->addr, cfg);

	if (!why && req->listed_only &&
	    !gw_webhook_target_listed(&address->addr, cfg))
		why = "not one of allow_targets, and there is no key";
	if (!why && !gw_webhook_target_listed(&address->addr, cfg) &&
	    is_own(&address->addr))
		why = "this machine itself";
	if (purpose != CURLSOCKTYPE_IPCXN || why) {
		req->own.refused = why ? why : "no connection of TCP";
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		      address->protocol);
}

/* What is printed again must not be able to do anything. */
static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	struct gw_webhook_request *req = arg;
	const size_t len = size * count;

	for (size_t i = 0; i < len && req->own.answer_len < GW_WEBHOOK_ANSWER;
	     i++)
		req->answer[req->own.answer_len++] =
			(char)(data[i] >= ' ' && data[i] <= '~' ? data[i] :
								  ' ');
	req->own.read += len;
	return req->own.read > ANSWER_MAX ? 0 : len;
}

static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
	static const char name[] = "retry-after:";
	struct gw_webhook_request *req = arg;
	size_t len = size * count, skip = sizeof(name) - 1;

	req->own.head += len;
	if (req->own.head > ANSWER_MAX)
		return 0;
	if (len <= skip || strncasecmp(data, name, skip) != 0)
		return len;
	while (skip < len && data[skip] == ' ')
		skip++;
	while (len > skip && isspace((unsigned char)data[len - 1]))
		len--;
	(void)snprintf(req->retry_after, sizeof(req->retry_after), "%.*s",
		       (int)(len - skip), data + skip);
	return size * count;
}

/* A transfer -------------------------------------------------------------------- */

static struct curl_slist *make_headers(const struct gw_webhook_request *req)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; list && i < ARRAY_SIZE(req->headers); i++) {
		struct curl_slist *more;

		if (!req->headers[i])
			continue;
		more = curl_slist_append(list, req->headers[i]);
		if (!more)
			curl_slist_free_all(list);
		list = more;
	}
	return list;
}

static void set_up(const struct gw_webhook_sender *s, CURL *easy,
		   struct gw_webhook_request *req)
{
	const bool http = s->cfg.allow_http;

	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, req);
	(void)curl_easy_setopt(easy, CURLOPT_URL, req->url);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
			       http ? "http,https" : "https");
	(void)curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			       (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			       (long)CONNECT_MS);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(easy, CURLOPT_SSLVERSION,
			       (long)CURL_SSLVERSION_TLSv1_2);
	if (req->ca_file)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, req->ca_file);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, GW_USER_AGENT);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, req);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, req);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, req);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, req->own.list);
	if (!req->body)
		return;
	(void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, req->body);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE,
			       (long)req->body_len);
}

static void done(void *arg)
{
	struct gw_webhook_request *req = arg;

	req->doneh(req, req->arg);
}

static void post(struct gw_webhook_request *req)
{
	if (req->own.easy)
		curl_easy_cleanup(req->own.easy);
	curl_slist_free_all(req->own.list);
	req->own.easy = req->own.list = NULL;
	req->took_ms =
		(uint32_t)((gw_worker_now_us() - req->own.start_us) / 1000);
	req->own.note.fn = done;
	req->own.note.arg = req;
	gw_loop_post_note(&req->own.note);
}

static void begin(struct gw_webhook_sender *s, struct gw_webhook_request *req)
{
	req->at_ms = gw_clock_ms();
	req->own.start_us = gw_worker_now_us();
	req->own.note.arg = s;
	req->own.easy = curl_easy_init();
	req->own.list = make_headers(req);
	if (req->own.easy && req->own.list) {
		set_up(s, req->own.easy, req);
		if (curl_multi_add_handle(s->multi, req->own.easy) ==
		    CURLM_OK) {
			req->own.next = s->going;
			s->going = req;
			return;
		}
	}
	str_ncpy(req->error, "out of memory", sizeof(req->error));
	post(req);
}

static void unlink_going(struct gw_webhook_sender *s,
			 const struct gw_webhook_request *req)
{
	struct gw_webhook_request **pp = &s->going;

	while (*pp && *pp != req)
		pp = &(*pp)->own.next;
	if (*pp)
		*pp = req->own.next;
}

/* Receivers that print what they were sent print secrets. */
static void blot(struct gw_webhook_request *req)
{
	char clean[sizeof(req->answer)];

	for (size_t i = GW_WEBHOOK_SECRETS; i < GW_WEBHOOK_HEADERS; i++) {
		const char *value = req->headers[i];
		char *at = req->answer;

		value = value ? strstr(value, ": ") : NULL;
		while (value && value[2] &&
		       (at = strstr(at, value + 2)) != NULL)
			memset(at, '*', strlen(value + 2));
	}
	gw_log_redact(clean, sizeof(clean), req->answer);
	str_ncpy(req->answer, clean, sizeof(req->answer));
}

static void end(struct gw_webhook_sender *s, CURL *easy, CURLcode result)
{
	struct gw_webhook_request *req = NULL;
	long code = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&req);
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
	(void)curl_multi_remove_handle(s->multi, easy);
	unlink_going(s, req);
	blot(req);
	/* an answer that is too long is an answer */
	if (result == CURLE_OK ||
	    (result == CURLE_WRITE_ERROR && req->own.read > ANSWER_MAX))
		req->code = (uint16_t)code;
	else if (req->own.refused)
		(void)snprintf(req->error, sizeof(req->error),
			       "the address may not be told: it is %s",
			       req->own.refused);
	else if (req->own.head > ANSWER_MAX)
		str_ncpy(req->error, "its headers have no end",
			 sizeof(req->error));
	else
		str_ncpy(req->error, curl_easy_strerror(result),
			 sizeof(req->error));
	post(req);
}

/* The thread ---------------------------------------------------------------------- */

static struct gw_webhook_request *take_new(struct gw_webhook_sender *s)
{
	struct gw_webhook_request *list;

	pthread_mutex_lock(&s->worker.lock);
	list = s->head;
	s->head = NULL;
	s->tail = &s->head;
	pthread_mutex_unlock(&s->worker.lock);
	return list;
}

static void begin_all(struct gw_webhook_sender *s)
{
	struct gw_webhook_request *req, *next;

	for (req = take_new(s); req; req = next) {
		next = req->own.next;
		begin(s, req);
	}
}

static void end_all(struct gw_webhook_sender *s)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(s->multi, &left))) {
		if (msg->msg == CURLMSG_DONE)
			end(s, msg->easy_handle, msg->data.result);
	}
}

static void stop_all(struct gw_webhook_sender *s)
{
	struct gw_webhook_request *req;

	begin_all(s);
	while ((req = s->going)) {
		s->going = req->own.next;
		(void)curl_multi_remove_handle(s->multi, req->own.easy);
		str_ncpy(req->error, "stopped", sizeof(req->error));
		post(req);
	}
}

static void *sender_main(void *arg)
{
	struct gw_webhook_sender *s = arg;
	int running;

	while (!atomic_load(&s->worker.closing)) {
		begin_all(s);
		(void)curl_multi_perform(s->multi, &running);
		end_all(s);
		(void)curl_multi_poll(s->multi, NULL, 0, WAIT_MS, NULL);
	}
	stop_all(s);
	return NULL;
}

void gw_webhook_send(struct gw_webhook_sender *s,
		     struct gw_webhook_request *req)
{
	bool first;

	req->own.next = NULL;
	pthread_mutex_lock(&s->worker.lock);
	first = !s->head;
	*s->tail = req;
	s->tail = &req->own.next;
	pthread_mutex_unlock(&s->worker.lock);
	if (first)
		(void)curl_multi_wakeup(s->multi);
}

void gw_webhook_sender_stop(struct gw_webhook_sender *s)
{
	atomic_store(&s->worker.closing, true);
	if (s->multi)
		(void)curl_multi_wakeup(s->multi);
	gw_worker_stop(&s->worker);
}

static void destructor(void *arg)
{
	struct gw_webhook_sender *s = arg;

	gw_webhook_sender_stop(s);
	if (s->multi)
		(void)curl_multi_cleanup(s->multi);
	if (s->global)
		curl_global_cleanup();
	gw_worker_destroy(&s->worker);
	mem_deref((void *)(uintptr_t)s->cfg.allow_targets.list);
}

int gw_webhook_sender_alloc(struct gw_webhook_sender **senderp,
			    const struct gw_config *cfg)
{
	struct gw_webhook_sender *s = mem_zalloc(sizeof(*s), destructor);
	int err = 0;

	if (!s)
		return ENOMEM;
	/* not the whole of it: the secrets of others would stay in memory */
	s->cfg.allow_http = cfg->webhooks.allow_http;
	s->cfg.allow_targets = cfg->webhooks.allow_targets;
	(void)mem_ref((void *)(uintptr_t)s->cfg.allow_targets.list);
	s->tail = &s->head;
	/* OpenSSL is libre's to set up */
	s->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	s->multi = s->global ? curl_multi_init() : NULL;
	if (!s->multi)
		err = ENOMEM;
	else
		(void)curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS,
					(long)IDLE_CONNECTIONS);
	err = err ? err : gw_worker_init(&s->worker);
	err = err ? err : gw_worker_start(&s->worker, sender_main, s);
	if (err)
		mem_deref(s);
	else
		*senderp = s;
	return err;
}
