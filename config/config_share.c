/* Two values of one setting: whether they say the same, and one that stands in two
 * places. What lies in memory of its own is shared, not copied. */
#include <stdint.h>
#include <string.h>

#include <re_types.h>
#include <re_mbuf.h>
#include <re_mem.h>

#include "config/config.h"
#include "config/config_table.h"
#include "config/json.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_strings(const struct gw_config_strings *a,
			 const struct gw_config_strings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->list[i], b->list[i]) != 0)
			return false;
	}

	return true;
}

static bool same_secret(const struct gw_secret *a, const struct gw_secret *b)
{
	return same_text(gw_secret_text(a, NULL), gw_secret_text(b, NULL));
}

static bool same_secrets(const struct gw_config_secrets *a,
			 const struct gw_config_secrets *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!same_secret(a->list[i], b->list[i]))
			return false;
	}

	return true;
}

/* As people wrote them: in another order they are others. */
static bool same_trees(const struct gw_json_doc *a, const struct gw_json_doc *b)
{
	struct mbuf *x = mbuf_alloc(256), *y = mbuf_alloc(256);
	const bool same =
		a == b ||
		(a && b && x && y && !gw_json_print(x, gw_json_root(a)) &&
		 !gw_json_print(y, gw_json_root(b)) && x->end == y->end &&
		 !memcmp(x->buf, y->buf, x->end));

	mem_deref(x);
	mem_deref(y);
	return same;
}

static bool same_listens(const struct gw_config_listens *a,
			 const struct gw_config_listens *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->list[i].transport != b->list[i].transport ||
		    a->list[i].port != b->list[i].port ||
		    strcmp(a->list[i].address, b->list[i].address) != 0)
			return false;
	}

	return true;
}

static bool same_ints(const struct gw_config_ints *a,
		      const struct gw_config_ints *b)
{
	return a->count == b->count &&
	       (!a->count ||
		!memcmp(a->list, b->list, a->count * sizeof(*a->list)));
}

/* How many bytes a setting without memory of its own has. */
static size_t plain_size(enum gw_config_type type)
{
	switch (type) {
	case GW_CONFIG_INT:
		return sizeof(uint32_t);
	case GW_CONFIG_PORT:
		return sizeof(uint16_t);
	case GW_CONFIG_PORTS:
		return 2 * sizeof(uint16_t);
	case GW_CONFIG_BOOL:
		return sizeof(bool);
	case GW_CONFIG_ENUM:
		return sizeof(unsigned);
	case GW_CONFIG_WORD: /* static */
		return sizeof(const char *);
	default:
		return 0;
	}
}

bool gw_config_value_same(const struct gw_config_row *row, const void *base,
			  const void *other)
{
	const void *a = (const char *)base + row->offset;
	const void *b = (const char *)other + row->offset;

	switch (row->type) {
	case GW_CONFIG_STRING:
	case GW_CONFIG_WORD:
		return same_text(*(const char *const *)a,
				 *(const char *const *)b);
	case GW_CONFIG_SECRET:
		return same_secret(*(struct gw_secret *const *)a,
				   *(struct gw_secret *const *)b);
	case GW_CONFIG_SECRETS:
		return same_secrets(a, b);
	case GW_CONFIG_OBJECT:
	case GW_CONFIG_ARRAY:
		return same_trees(*(struct gw_json_doc *const *)a,
				  *(struct gw_json_doc *const *)b);
	case GW_CONFIG_STRINGS:
		return same_strings(a, b);
	case GW_CONFIG_INTS:
		return same_ints(a, b);
	case GW_CONFIG_HTTP_LISTENS:
	case GW_CONFIG_SIP_LISTENS:
		return same_listens(a, b);
	default:
		return !memcmp(a, b, plain_size(row->type));
	}
}

void gw_config_value_share(const struct gw_config_row *row, void *base,
			   const void *from)
{
	void *to = (char *)base + row->offset;
	const void *at = (const char *)from + row->offset;

	switch (row->type) {
	case GW_CONFIG_STRING:
	case GW_CONFIG_SECRET:
	case GW_CONFIG_OBJECT:
	case GW_CONFIG_ARRAY:
		*(void **)to = mem_ref(*(void *const *)at);
		break;
	case GW_CONFIG_SECRETS:
		*(struct gw_config_secrets *)to =
			*(const struct gw_config_secrets *)at;
		(void)mem_ref(
			(void *)(uintptr_t)((struct gw_config_secrets *)to)
				->list);
		break;
	case GW_CONFIG_STRINGS:
		*(struct gw_config_strings *)to =
			*(const struct gw_config_strings *)at;
		(void)mem_ref(
			(void *)(uintptr_t)((struct gw_config_strings *)to)
				->list);
		break;
	case GW_CONFIG_INTS:
		*(struct gw_config_ints *)to =
			*(const struct gw_config_ints *)at;
		(void)mem_ref(
			(void *)(uintptr_t)((struct gw_config_ints *)to)->list);
		break;
	case GW_CONFIG_HTTP_LISTENS:
	case GW_CONFIG_SIP_LISTENS:
		*(struct gw_config_listens *)to =
			*(const struct gw_config_listens *)at;
		(void)mem_ref(
			(void *)(uintptr_t)((struct gw_config_listens *)to)
				->list);
		break;
	default:
		memcpy(to, at, plain_size(row->type));
		break;
	}
}
