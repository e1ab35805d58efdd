/* Keys of one project see each other's calls, and no others; some see but their own.
 * A key with a list of lines knows of these alone. */
#include <string.h>

#include <re.h>

#include "server/audience.h"
#include "server/events.h"
#include "server/key.h"

static bool is(const char *a, const char *b)
{
	return a && 0 == strcmp(a, b);
}

/* A call of that project, placed by the key of that name. */
static bool sees(const struct gw_key *key, const char *project,
		 const char *name)
{
	return is(project, key->project) &&
	       (!key->own_only || is(name, key->name));
}

bool gw_audience_call(const struct gw_key *key, const struct gw_whose *whose)
{
	return !key || (sees(key, whose->project, whose->key) &&
			(!key->click || is(whose->click, key->click->id)));
}

int gw_audience_ask(char **projectp, char **namep, const struct gw_key *key)
{
	const int err = str_dup(projectp, key->project);

	return err || !key->own_only ? err : str_dup(namep, key->name);
}

bool gw_audience_line(const struct gw_key *key, const char *name)
{
	if (!key || !key->lines.count)
		return true;

	for (size_t i = 0; i < key->lines.count; i++)
		if (0 == strcmp(key->lines.list[i], name))
			return true;
	return false;
}

bool gw_audience_event(const struct gw_key *key, const struct gw_event *ev)
{
	/* who comes with a click token has been let to his call's stream alone */
	if (ev->call_id[0])
		return !key || sees(key, ev->project, ev->key);

	return !ev->line || gw_audience_line(key, ev->line);
}
