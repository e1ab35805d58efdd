/* Variables that have our prefix and are no setting's. Most are misspelt, and
 * would silently not count. Left alone are those that somebody means:
 *
 *   a secret's      "env:BELLPULL_KEY" stands in the file, or in a variable
 *   a service's     a cluster names services to all its containers, ours too:
 *                   BELLPULL_SERVICE_HOST, BELLPULL_PORT=tcp://10.0.0.7:8080
 *   the Makefile's  BELLPULL_CACHE, in the shell of who builds us */
#include "config/config_load.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <re_types.h>

#include "config/config_table.h"
#include "config/json.h"

/* "env:NAME", and NAME is the first len bytes of name */
static bool refers_to(const char *text, const char *name, size_t len)
{
	return text && !strncmp(text, "env:", 4) &&
	       !strncmp(text + 4, name, len) && !text[4 + len];
}

/* The reader has bounded the depth. */
static bool file_refers_to(const struct gw_json *value, const char *name,
			   size_t len)
{
	const struct gw_json *inner;

	if (refers_to(gw_json_string(value), name, len))
		return true;

	for (inner = gw_json_first(value); inner; inner = gw_json_next(inner)) {
		if (file_refers_to(inner, name, len))
			return true;
	}

	return false;
}

static bool environment_refers_to(const char *name, size_t len)
{
	char **entry;

	for (entry = environ; *entry; entry++) {
		const char *text = strchr(*entry, '=');

		if (!strncmp(*entry, "BELLPULL_", 9) && text &&
		    refers_to(text + 1, name, len))
			return true;
	}

	return false;
}

static bool ends_with(const char *name, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	return len >= end_len && !memcmp(name + len - end_len, end, end_len);
}

/* What Kubernetes makes of a service whose name begins with ours. */
static bool is_of_service(const char *name, size_t len)
{
	const char *text = name + len + 1;
	const char *p;

	if (ends_with(name, len, "_SERVICE_HOST") ||
	    ends_with(name, len, "_SERVICE_PORT") ||
	    memmem(name, len, "_SERVICE_PORT_", 14) ||
	    (ends_with(name, len, "_PORT") && strstr(text, "://")))
		return true;

	p = memmem(name, len, "_PORT_", 6);
	if (!p || !isdigit((unsigned char)p[6]))
		return false;

	p += 6 + strspn(p + 6, "0123456789");
	return !strncmp(p, "_TCP", 4) || !strncmp(p, "_UDP", 4) ||
	       !strncmp(p, "_SCTP", 5);
}

/* The variable of row; in the place of an N stands the number that name has. */
static void variable_like(char *buf, size_t size,
			  const struct gw_config_row *row, const char *name)
{
	const char *n = strstr(row->pointer, "/N/");
	const char *digit = strpbrk(name, "0123456789");
	char pointer[GW_CONFIG_POINTER_SIZE];

	if (n)
		(void)snprintf(pointer, sizeof(pointer), "%.*s/%.*s/%s",
			       (int)(n - row->pointer), row->pointer,
			       digit ? (int)strspn(digit, "0123456789") : 1,
			       digit ? digit : "0", n + 3);
	else
		(void)snprintf(pointer, sizeof(pointer), "%s", row->pointer);
	gw_config_variable(buf, size, pointer);
}

/* The variable that was meant by name, in buf, or NULL. */
static const char *meant_variable(const char *name, char *buf, size_t size)
{
	const struct gw_config_row *row = NULL;
	char candidate[GW_CONFIG_POINTER_SIZE];
	bool found = false;

	while ((row = gw_config_row_next(row, "/"))) {
		const char *const names[] = { found ? buf : candidate,
					      candidate, NULL };

		variable_like(candidate, sizeof(candidate), row, name);
		if (gw_config_nearest(name, names) == candidate) {
			(void)snprintf(buf, size, "%s", candidate);
			found = true;
		}
	}

	return found ? buf : NULL;
}

void gw_config_check_stray(struct gw_config_loader *ld, const char *entry)
{
	const size_t len = strcspn(entry, "=");
	char name[96], meant[GW_CONFIG_POINTER_SIZE];

	(void)snprintf(name, sizeof(name), "%.*s", (int)len, entry);
	if (!entry[len] || !strcmp(name, "BELLPULL_CACHE") ||
	    is_of_service(entry, len) || environment_refers_to(entry, len) ||
	    file_refers_to(gw_json_root(ld->doc), entry, len))
		return;

	ld->variable = name;
	if (meant_variable(name, meant, sizeof(meant)))
		gw_config_complain(ld, "",
				   "no setting has this variable; did you mean "
				   "%s?",
				   meant);
	else
		gw_config_complain(ld, "",
				   "no setting has this variable; "
				   "--help-config lists them");
	ld->variable = NULL; /* name goes */
}
