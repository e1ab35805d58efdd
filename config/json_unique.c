/* No name twice in an object.
 *
 * The first few names are compared pair by pair as they come, many are sorted at
 * the object's end. No hash that somebody could aim at, and n log n at worst. */
#include "config/json_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <re_types.h>
#include <re_mem.h>

enum { FEW_NAMES = 16 }; /* so many names are compared pair by pair */

static int refuse_duplicate(struct gw_json_reader *r,
			    const struct gw_json_name *name)
{
	struct gw_json_level *level = &r->level[r->depth - 1];

	level->name = *name;
	level->has_name = true;
	return gw_json_refuse_at(
		r, (size_t)(name->raw - r->text) - 1, GW_JSON_FAULT_DUPLICATE,
		"this object has a member of that name already");
}

static int grow_names(struct gw_json_reader *r)
{
	size_t room = 2 * r->name_room;
	struct gw_json_name *names;

	names = mem_alloc(room * sizeof(*names), NULL);
	if (!names)
		return gw_json_refuse(r, GW_JSON_FAULT_MEMORY, "out of memory");

	memcpy(names, r->names, r->name_count * sizeof(*names));
	if (r->names != r->few)
		mem_deref(r->names);
	r->names = names;
	r->name_room = room;
	return 0;
}

/* Few names are compared as they come; many by gw_json_unique_end(). */
int gw_json_unique_add(struct gw_json_reader *r,
		       const struct gw_json_name *name)
{
	const struct gw_json_level *level = &r->level[r->depth - 1];
	size_t i;
	int err;

	if (r->name_count - level->names < FEW_NAMES) {
		for (i = level->names; i < r->name_count; i++) {
			if (gw_json_name_same(&r->names[i], name))
				return refuse_duplicate(r, name);
		}
	}

	if (r->name_count == r->name_room) {
		err = grow_names(r);
		if (err)
			return err;
	}

	r->names[r->name_count++] = *name;
	return 0;
}

/* Sorting finds equal names side by side, however hostile they were chosen. */
int gw_json_unique_end(struct gw_json_reader *r)
{
	const struct gw_json_level *level = &r->level[r->depth - 1];
	struct gw_json_name *names = r->names + level->names;
	size_t count = r->name_count - level->names, i;

	if (count > FEW_NAMES) {
		qsort(names, count, sizeof(*names), gw_json_name_compare);
		for (i = 1; i < count; i++) {
			const struct gw_json_name *a = &names[i - 1],
						  *b = &names[i];

			if (gw_json_name_same(a, b))
				return refuse_duplicate(r, a->raw > b->raw ? a :
									     b);
		}
	}

	r->name_count = level->names;
	return 0;
}
