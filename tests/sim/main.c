/* sim: runs seeds and says what broke. A failure is run again with fewer and fewer events, as long
 * as the same invariant breaks, and printed with what it takes to see it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "sim_commit.h"

#ifdef SIM_SMALL_LIMITS
#define SIM_LIMITS "--small-limits "
#else
#define SIM_LIMITS ""
#endif

typedef struct options {
    uint64_t first, count;
    bool replay, twice, until_found;
} options;

static int usage(void)
{
    fprintf(stderr,
        "sim: [--seeds N] [--first S] [--replay SEED] [--failed FILE] [--twice]\n"
        "     [--plant NAME] plants a known fault: the run ends well when it is found\n");
    return 2;
}

typedef struct outcome {
    bool has_failed;
    sim_invariant broken;
    char why[400];
    uint64_t trace;
} outcome;

static outcome run(const sim_plan *plan, const bool *left_out)
{
    sim_world *w = sim_run(plan, left_out);
    outcome out = {.has_failed = w->has_failed, .broken = w->broken, .trace = w->trace};
    memcpy(out.why, w->why, sizeof out.why);
    sim_world_free(w);
    return out;
}

/* Leave out as many events as can be: half of them, then smaller parts, then one by one. */
static void shrink(const sim_plan *plan, sim_invariant broken, bool *left_out)
{
    for (size_t part = plan->count / 2; part > 0; part /= 2) {
        for (size_t at = 0; at < plan->count; at += part) {
            bool tried[SIM_EVENTS_MAX];
            size_t fewer = 0;
            memcpy(tried, left_out, sizeof tried);
            for (size_t i = at; i < at + part && i < plan->count; i++) {
                fewer += !tried[i];
                tried[i] = true;
            }
            if (fewer == 0)
                continue;
            outcome out = run(plan, tried);
            if (out.has_failed && out.broken == broken)
                memcpy(left_out, tried, sizeof tried);
        }
    }
}

static void report(const sim_plan *plan, const outcome *out, const bool *left_out)
{
    printf("seed %" PRIu64 " FAILED: %s: %s\n", plan->seed, sim_invariant_names[out->broken],
        out->why);
    printf("  commit " SIM_COMMIT "; again: ./run sim " SIM_LIMITS "--replay %" PRIu64 "%s%s\n",
        plan->seed, sim_planted != PLANT_NONE ? " --plant " : "",
        sim_planted != PLANT_NONE ? sim_plant_names[sim_planted] : "");
    sim_plan_print(plan, left_out);
}

/* One seed; I12 is checked where a second run is asked for. */
static outcome run_seed(const options *o, uint64_t seed)
{
    sim_plan plan;
    bool left_out[SIM_EVENTS_MAX] = {false};
    sim_plan_draw(seed, &plan);
    outcome out = run(&plan, NULL);
    if (!out.has_failed && (o->twice || o->replay || seed % 20 == 0)) {
        outcome again = run(&plan, NULL);
        if (again.trace != out.trace) {
            out.has_failed = true;
            out.broken = SIM_I12;
            snprintf(
                out.why, sizeof out.why, "%016" PRIx64 " and %016" PRIx64, out.trace, again.trace);
        }
    }
    if (o->replay)
        printf("seed %" PRIu64 ": trace %016" PRIx64 "\n", seed, out.trace);
    if (out.has_failed && !o->until_found) {
        if (out.broken != SIM_I12)
            shrink(&plan, out.broken, left_out);
        report(&plan, &out, left_out);
    }
    return out;
}

typedef struct tally {
    uint64_t passed, failed;
} tally;

static void count(tally *t, const options *o, uint64_t seed)
{
    outcome out = run_seed(o, seed);
    t->passed += !out.has_failed;
    t->failed += out.has_failed;
}

static void say(const char *what, const tally *t)
{
    printf("%s%" PRIu64 " seeds: %" PRIu64 " passed, %" PRIu64 " failed\n", what,
        t->passed + t->failed, t->passed, t->failed);
}

/* Seeds that failed once: the first word of each line that begins with a digit. */
static bool run_file(const options *o, const char *path)
{
    char line[200];
    tally past = {0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "sim: cannot read %s\n", path);
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char *end;
        uint64_t seed = strtoull(line, &end, 10);
        if (end != line)
            count(&past, o, seed);
    }
    fclose(file);
    say("of earlier failures ", &past);
    return past.failed == 0;
}

static bool find_plant(const char *name)
{
    for (int i = 0; i < PLANT_COUNT; i++) {
        if (strcmp(sim_plant_names[i], name) == 0)
            sim_planted = (sim_plant)i;
    }
    return sim_planted != PLANT_NONE;
}

/* How many seeds it takes to find what was planted. */
static int find_planted(options *o)
{
    o->until_found = true;
    o->twice = sim_planted == PLANT_WANDERING_CLOCK;
    for (uint64_t i = 0; i < o->count; i++) {
        outcome out = run_seed(o, o->first + i);
        if (!out.has_failed)
            continue;
        printf("planted %s: found at seed %" PRIu64 " of %" PRIu64 ": %s: %s\n",
            sim_plant_names[sim_planted], i + 1, o->count, sim_invariant_names[out.broken],
            out.why);
        return 0;
    }
    printf("planted %s: NOT found in %" PRIu64 " seeds\n", sim_plant_names[sim_planted], o->count);
    return 1;
}

static bool read_options(int argc, char **argv, options *o, const char **file)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--twice") == 0) {
            o->twice = true;
        } else if (strcmp(argv[i], "--seeds") == 0 && more) {
            o->count = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--first") == 0 && more) {
            o->first = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--replay") == 0 && more) {
            o->first = strtoull(argv[++i], NULL, 10);
            o->count = 1;
            o->replay = true;
        } else if (strcmp(argv[i], "--failed") == 0 && more) {
            *file = argv[++i];
        } else if (strcmp(argv[i], "--plant") != 0 || !more || !find_plant(argv[++i])) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    options o = {.first = 1, .count = 100};
    const char *file = NULL;
    tally now = {0};
    if (!read_options(argc, argv, &o, &file))
        return usage();
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("commit " SIM_COMMIT "\n");
    sim_slots_open();
    if (sim_planted != PLANT_NONE && !o.replay) {
        int result = find_planted(&o);
        sim_slots_close();
        return result;
    }
    bool past_is_well = file == NULL || run_file(&o, file);
    for (uint64_t i = 0; i < o.count; i++) {
        count(&now, &o, o.first + i);
        if ((i + 1) % 1000 == 0 && i + 1 < o.count)
            say("so far ", &now);
    }
    sim_slots_close();
    say("", &now);
    return now.failed > 0 || !past_is_well;
}
