/* What the gate and the canonical form cost beside cJSON alone, in MB/s and as ratios of one run:
 * a dossier-like document, and one of nothing but short members. The best of several rounds counts,
 * so that other work on the machine disturbs less. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "veldkit/assert.h"
#include "veldkit/json.h"

enum { ROUNDS = 9, RECORDS = 2000, OUT_MAX = 4 << 20 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(veld_status status)
{
    VELD_ASSERT(status == VELD_OK);
}

/* About a megabyte of records as a tablet sends them. */
static void make_dossier(veld_buf *out)
{
    veld_json_writer w;
    veld_json_writer_init(&w, out);
    veld_json_writer_object_begin(&w);
    veld_json_writer_name(&w, "records");
    veld_json_writer_array_begin(&w);
    for (int i = 0; i < RECORDS; i++) {
        veld_json_writer_object_begin(&w);
        veld_json_writer_name(&w, "type");
        veld_json_writer_text(&w, "visit");
        veld_json_writer_name(&w, "record");
        veld_json_writer_text(&w, "0190b6f2-5c1e-7a4b-9d3e-2f6a8c0b1d4e");
        veld_json_writer_name(&w, "fields");
        veld_json_writer_object_begin(&w);
        veld_json_writer_name(&w, "start");
        veld_json_writer_text(&w, "2026-03-02T09:30:00+01:00");
        veld_json_writer_name(&w, "minutes");
        veld_json_writer_integer(&w, i);
        veld_json_writer_name(&w, "safe");
        veld_json_writer_boolean(&w, i % 2 == 0);
        veld_json_writer_name(&w, "with");
        veld_json_writer_array_begin(&w);
        veld_json_writer_integer(&w, 1000 + i);
        veld_json_writer_integer(&w, -i);
        veld_json_writer_array_end(&w);
        veld_json_writer_name(&w, "report");
        veld_json_writer_text(&w,
            "Gesproken met moeder en het oudste kind. \"Het gaat beter\", zegt zij.\nAfgesproken "
            "dat de buurvrouw belt wanneer het weer onrustig is; co\xC3\xB6rdinatie bij het team. "
            "Volgende keer ook de school betrekken en de afspraken opnieuw doornemen.");
        veld_json_writer_object_end(&w);
        veld_json_writer_object_end(&w);
    }
    veld_json_writer_array_end(&w);
    veld_json_writer_object_end(&w);
    must(veld_json_writer_finish(&w, NULL));
}

static void make_members(veld_buf *out)
{
    veld_json_writer w;
    veld_json_writer_init(&w, out);
    veld_json_writer_object_begin(&w);
    for (int i = 0; i < 50000; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%05d", i);
        veld_json_writer_name(&w, name);
        veld_json_writer_integer(&w, i);
    }
    veld_json_writer_object_end(&w);
    must(veld_json_writer_finish(&w, NULL));
}

typedef struct work {
    veld_span text;
    const cJSON *tree;
    const veld_json_value *root;
} work;

static void run_cjson_parse(const work *w)
{
    cJSON *tree = cJSON_ParseWithLength((const char *)w->text.data, w->text.len);
    VELD_ASSERT(tree != NULL);
    cJSON_Delete(tree);
}

static void run_cjson_print(const work *w)
{
    char *text = cJSON_PrintUnformatted(w->tree);
    VELD_ASSERT(text != NULL);
    cJSON_free(text);
}

static void run_gate(const work *w)
{
    must(veld_json_check(w->text, VELD_JSON_STRICT, NULL, NULL));
}

static void run_is_canonical(const work *w)
{
    VELD_ASSERT(veld_json_is_canonical(w->text));
}

static void run_parse(const work *w)
{
    veld_json_doc *doc = NULL;
    must(veld_json_parse(w->text, VELD_JSON_STRICT, &doc, NULL, NULL));
    veld_json_doc_free(doc);
}

static void run_canonical(const work *w)
{
    veld_buf out;
    veld_buf_init(&out, OUT_MAX);
    must(veld_json_canonical(w->root, &out, NULL));
    veld_buf_wipe(&out);
}

static double best_of(void (*run)(const work *), const work *w)
{
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        double begin = now_s();
        run(w);
        double seconds = now_s() - begin;
        best = seconds < best ? seconds : best;
    }
    return best;
}

static void line(const char *what, const char *name, veld_span text, double seconds, double base)
{
    printf("json %-8s %-24s %8.1f MB/s   %5.2f of cJSON's time\n", what, name,
        (double)text.len / seconds / 1e6, seconds / base);
}

typedef struct measurement {
    const char *what;
    veld_buf text;
    double parse, print; /* seconds of cJSON alone */
} measurement;

/* cJSON as it comes, on malloc and realloc: before a parse of ours sets its allocator. */
static void measure_cjson(measurement *m)
{
    work w = {.text = veld_buf_span(&m->text)};
    cJSON *tree = cJSON_ParseWithLength((const char *)m->text.data, m->text.len);
    VELD_ASSERT(tree != NULL);
    w.tree = tree;
    m->parse = best_of(run_cjson_parse, &w);
    m->print = best_of(run_cjson_print, &w);
    cJSON_Delete(tree);
    line(m->what, "cJSON_ParseWithLength", w.text, m->parse, m->parse);
    line(m->what, "cJSON_PrintUnformatted", w.text, m->print, m->print);
}

static void measure_ours(measurement *m)
{
    work w = {.text = veld_buf_span(&m->text)};
    veld_json_doc *doc = NULL;
    must(veld_json_parse(w.text, VELD_JSON_STRICT, &doc, NULL, NULL));
    w.root = veld_json_root(doc);
    line(m->what, "gate", w.text, best_of(run_gate, &w), m->parse);
    line(m->what, "gate, is it canonical", w.text, best_of(run_is_canonical, &w), m->parse);
    line(m->what, "gate, parse, wipe, free", w.text, best_of(run_parse, &w), m->parse);
    line(m->what, "canonical form", w.text, best_of(run_canonical, &w), m->print);
    veld_json_doc_free(doc);
}

int main(void)
{
    measurement all[] = {{.what = "dossier"}, {.what = "members"}};
    for (int i = 0; i < 2; i++) {
        veld_buf_init(&all[i].text, OUT_MAX);
        (i == 0 ? make_dossier : make_members)(&all[i].text);
        measure_cjson(&all[i]);
    }
    for (int i = 0; i < 2; i++) {
        measure_ours(&all[i]);
        veld_buf_release(&all[i].text);
    }
    return 0;
}
