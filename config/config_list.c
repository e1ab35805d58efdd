/* Lists of strings and of addresses to listen at. A list is one block of memory:
 * its array first, then the strings, so that one mem_deref() frees it. */
#include "config/config_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/config.h"
#include "config/config_table.h"
#include "config/json.h"
#include "config/secret.h"

enum { LIST_MAX = 256 }; /* elements */

/* Sets up what set_* of one element needs, and its place for messages. */
static int next_string(const struct gw_config_target *s,
		       const struct gw_json *element, size_t i,
		       const char **textp)
{
	struct gw_config_target e = *s;
	size_t word;
	int len, err;

	len = snprintf(s->why, s->why_size, "number %zu ", i);
	e.value = element;
	e.why = s->why + len;
	e.why_size = s->why_size - (size_t)len;

	*textp = gw_json_string(element);
	if (!*textp)
		return gw_config_refuse_type(&e, "a string");
	if (!s->row->words)
		return gw_config_check_string(&e, *textp);

	err = gw_config_find_word(&e, *textp, &word);
	if (!err)
		*textp = s->row->words[word];
	return err;
}

/* Checks all elements; *bytesp is what their texts need. */
static int check_list(const struct gw_config_target *s, size_t *bytesp)
{
	const struct gw_json *element;
	const char *text;
	size_t i = 0;
	int err;

	if (gw_json_type(s->value) != GW_JSON_ARRAY)
		return gw_config_refuse_type(s,
					     "a list of strings in brackets");
	if (gw_json_count(s->value) > LIST_MAX)
		return gw_config_refuse(s, "must have at most 256 elements");
	if (s->row->words && s->row->min && !gw_json_count(s->value))
		return gw_config_refuse(s, "must not be empty");

	*bytesp = 0;
	for (element = gw_json_first(s->value); element;
	     element = gw_json_next(element)) {
		err = next_string(s, element, ++i, &text);
		if (err)
			return err;
		*bytesp += strlen(text) + 1;
	}

	return 0;
}

static void fill_strings(const struct gw_config_target *s, const char **list,
			 size_t count)
{
	const struct gw_json *element = gw_json_first(s->value);
	char *text = (char *)(list + count);
	size_t i;

	for (i = 0; i < count; i++, element = gw_json_next(element)) {
		const char *from;
		size_t size;

		(void)next_string(s, element, i + 1, &from);
		size = strlen(from) + 1;
		memcpy(text, from, size);
		list[i] = text;
		text += size;
	}
}

int gw_config_set_strings(const struct gw_config_target *s)
{
	struct gw_config_strings *p = s->at;
	const char **list = NULL;
	size_t count, bytes;
	int err;

	err = check_list(s, &bytes);
	if (err)
		return err;

	count = gw_json_count(s->value);
	if (count) {
		list = mem_alloc(count * sizeof(*list) + bytes, NULL);
		if (!list)
			return ENOMEM;
		fill_strings(s, list, count);
	}

	mem_deref((void *)(uintptr_t)p->list);
	p->list = list;
	p->count = count;
	return 0;
}

int gw_config_add_string(struct gw_config_strings *strings, const char *text)
{
	const size_t count = strings->count;
	size_t bytes = strlen(text) + 1;
	const char **list;
	char *to;
	size_t i;

	for (i = 0; i < count; i++)
		bytes += strlen(strings->list[i]) + 1;

	list = mem_alloc((count + 1) * sizeof(*list) + bytes, NULL);
	if (!list)
		return ENOMEM;

	to = (char *)(list + count + 1);
	for (i = 0; i <= count; i++) {
		const char *from = i < count ? strings->list[i] : text;
		const size_t size = strlen(from) + 1;

		memcpy(to, from, size);
		list[i] = to;
		to += size;
	}

	mem_deref((void *)(uintptr_t)strings->list);
	strings->list = list;
	strings->count = count + 1;
	return 0;
}

/* Numbers ------------------------------------------------------ */

int gw_config_set_ints(const struct gw_config_target *s)
{
	const size_t count = gw_json_count(s->value);
	struct gw_config_ints *p = s->at;
	const struct gw_json *element;
	uint32_t *list;
	size_t i = 0;
	int64_t v;

	if (gw_json_type(s->value) != GW_JSON_ARRAY)
		return gw_config_refuse_type(s,
					     "a list of numbers in brackets");
	if (count > LIST_MAX)
		return gw_config_refuse(s, "must have at most 256 elements");
	list = mem_zalloc((count + 1) * sizeof(*list), NULL);
	if (!list)
		return ENOMEM;
	for (element = gw_json_first(s->value); element;
	     element = gw_json_next(element), i++) {
		if (gw_json_int(&v, element, s->row->min, s->row->max)) {
			mem_deref(list);
			(void)snprintf(s->why, s->why_size,
				       "number %zu must be a whole number "
				       "from %lld to %lld",
				       i + 1, (long long)s->row->min,
				       (long long)s->row->max);
			return EINVAL;
		}
		list[i] = (uint32_t)v;
	}

	mem_deref((void *)(uintptr_t)p->list);
	p->list = list;
	p->count = count;
	return 0;
}

/* Splits ADDRESS:PORT; the address loses its brackets and goes to buf. */
static bool split_address(const char *text, char *buf, size_t size,
			  uint16_t *portp)
{
	const char *colon = strrchr(text, ':');
	size_t len;

	if (!colon || !gw_config_read_port(colon + 1, strlen(colon + 1), portp))
		return false;

	len = (size_t)(colon - text);
	if (len > 2 && *text == '[' && text[len - 1] == ']') {
		++text;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return false; /* IPv6 wants its brackets */
	}

	if (!len || len >= size)
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return true;
}

static bool is_wildcard(const char *address)
{
	struct in6_addr v6;

	return !strcmp(address, "0.0.0.0") ||
	       (inet_pton(AF_INET6, address, &v6) == 1 &&
		IN6_IS_ADDR_UNSPECIFIED(&v6));
}

static const char *read_http_listen(struct gw_config_listen *listen, char *buf,
				    size_t size, const char *text)
{
	listen->transport = GW_CONFIG_TCP;
	if (!split_address(text, buf, size, &listen->port) ||
	    gw_form_address(buf))
		return "must be ADDRESS:PORT with a numeric address, like "
		       "127.0.0.1:8080 or [::1]:8080";

	return NULL;
}

static const char *read_sip_listen(struct gw_config_listen *listen, char *buf,
				   size_t size, const char *text)
{
	static const char *const transports[] = { "udp:", "tcp:", "tls:" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(transports); i++) {
		if (!strncmp(text, transports[i], 4))
			break;
	}

	if (i == ARRAY_SIZE(transports) ||
	    !split_address(text + 4, buf, size, &listen->port) ||
	    (strcmp(buf, "auto") && gw_form_address(buf)))
		return "must be TRANSPORT:ADDRESS:PORT, like udp:auto:5060 or "
		       "tls:192.0.2.7:5061";
	if (is_wildcard(buf))
		return "must not be bound to all addresses, because SIP "
		       "messages name the address: write auto";

	listen->transport = (enum gw_config_transport)i;
	return NULL;
}

static const char *read_listen(const struct gw_config_row *row,
			       struct gw_config_listen *listen, char *buf,
			       size_t size, const char *text)
{
	return row->type == GW_CONFIG_HTTP_LISTENS ?
		       read_http_listen(listen, buf, size, text) :
		       read_sip_listen(listen, buf, size, text);
}

static int fill_listens(const struct gw_config_target *s,
			struct gw_config_listen *list, size_t count)
{
	char *text = (char *)(list + count);
	const struct gw_json *element = gw_json_first(s->value);
	size_t i;

	for (i = 0; i < count; i++, element = gw_json_next(element)) {
		const char *must;

		must = read_listen(s->row, &list[i], text, INET6_ADDRSTRLEN,
				   gw_json_string(element));
		if (must) {
			(void)snprintf(s->why, s->why_size, "number %zu %s",
				       i + 1, must);
			return EINVAL;
		}
		list[i].address = text;
		text += INET6_ADDRSTRLEN;
	}

	return 0;
}

int gw_config_set_listens(const struct gw_config_target *s)
{
	struct gw_config_listens *p = s->at;
	struct gw_config_listen *list;
	size_t count, bytes;
	int err;

	err = check_list(s, &bytes);
	if (err)
		return err;

	count = gw_json_count(s->value);
	if (!count)
		return gw_config_refuse(s, "must not be empty");

	list = mem_zalloc(count * (sizeof(*list) + INET6_ADDRSTRLEN), NULL);
	if (!list)
		return ENOMEM;

	err = fill_listens(s, list, count);
	if (err) {
		mem_deref(list);
		return err;
	}

	mem_deref((void *)(uintptr_t)p->list);
	p->list = list;
	p->count = count;
	return 0;
}

/* Secrets ------------------------------------------------------------------- */

enum { SECRETS_MAX = 8 };

/* What owns the secrets of a list: the array is its first member. */
struct secrets {
	struct gw_secret *list[SECRETS_MAX];
};

static void secrets_destructor(void *arg)
{
	struct secrets *secrets = arg;
	size_t i;

	for (i = 0; i < SECRETS_MAX; i++)
		mem_deref(secrets->list[i]);
}

static int fill_secrets(const struct gw_config_target *s,
			struct secrets *secrets)
{
	const struct gw_json *element = gw_json_first(s->value);
	size_t i;

	for (i = 0; element; element = gw_json_next(element), i++) {
		const char *text = gw_json_string(element);
		int err;

		if (!text || !*text)
			return gw_config_refuse(s, "must have references like "
						   "\"env:NAME\" in its list");
		err = gw_secret_alloc(&secrets->list[i], text);
		if (err)
			return err;
	}
	return 0;
}

int gw_config_set_secrets(const struct gw_config_target *s)
{
	const size_t count = gw_json_count(s->value);
	struct gw_config_secrets *p = s->at;
	struct secrets *secrets = NULL;
	int err = 0;

	if (gw_json_type(s->value) != GW_JSON_ARRAY)
		return gw_config_refuse_type(
			s, "a list of references in brackets");
	if (count > SECRETS_MAX)
		return gw_config_refuse(s, "must have at most 8 elements");
	if (count) {
		secrets = mem_zalloc(sizeof(*secrets), secrets_destructor);
		err = secrets ? fill_secrets(s, secrets) : ENOMEM;
	}
	if (err) {
		mem_deref(secrets);
		return err;
	}
	mem_deref((void *)(uintptr_t)p->list);
	p->list = secrets ? secrets->list : NULL;
	p->count = count;
	return 0;
}
