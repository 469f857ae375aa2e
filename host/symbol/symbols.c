// A table of symbols: see symbols.h.
#include "symbol/symbols.h"

#include <string.h>

static bool is_wanted(const struct tacho_symbols *symbols, const struct tacho_symbol *symbol)
{
    size_t low = 0, high = symbols->wanted_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->wanted[middle] < symbol->start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < symbols->wanted_count && symbols->wanted[low] < symbol->end;
}

struct tacho_symbol *tacho_symbols_add(struct tacho_symbols *symbols, struct tacho_symbol symbol)
{
    if (symbol.start >= symbol.end)
        return NULL;
    if (!symbols->wanted || is_wanted(symbols, &symbol)) {
        tacho_array_push(&symbols->found, symbol);
        return &symbols->found.items[symbols->found.count - 1];
    }
    if (symbol.class != TACHO_SYMBOL_BOUNDS)
        tacho_array_push(&symbols->dropped, symbol.start);
    return NULL;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

// Ascending starts; of equal starts the outer first; of equal bounds the better name last.
static int compare_symbols(const void *left, const void *right)
{
    const struct tacho_symbol *a = left, *b = right;
    if (a->start != b->start)
        return compare(a->start, b->start);
    if (a->end != b->end)
        return compare(b->end, a->end);
    return compare(a->order, b->order);
}

// Open symbols end where the next symbol of any kind but BOUNDS begins.
static void close_open(struct tacho_symbol *found, size_t count)
{
    uint64_t next = UINT64_MAX, start = UINT64_MAX;
    for (size_t i = count; i-- > 0;) {
        if (found[i].class == TACHO_SYMBOL_BOUNDS)
            continue;
        if (found[i].start != start) {
            next = start;
            start = found[i].start;
        }
        if (found[i].class == TACHO_SYMBOL_OPEN && found[i].end > next)
            found[i].end = next;
    }
}

// They end, too, where a symbol begins that was not kept.
static void close_at_dropped(struct tacho_symbols *symbols)
{
    TACHO_ARRAY(struct tacho_symbol *) open = {0};
    for (size_t i = 0; i < symbols->found.count; i++)
        if (symbols->found.items[i].class == TACHO_SYMBOL_OPEN)
            tacho_array_push(&open, &symbols->found.items[i]);
    for (size_t i = 0; i < symbols->dropped.count && open.count > 0; i++) {
        uint64_t start = symbols->dropped.items[i];
        size_t low = 0, high = open.count; // the first that begins at `start` or behind it
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (open.items[middle]->start < start)
                low = middle + 1;
            else
                high = middle;
        }
        // Those before it at the same place, its aliases, end there as well.
        for (size_t at = low; at-- > 0 && open.items[at]->start == open.items[low - 1]->start;)
            if (open.items[at]->end > start)
                open.items[at]->end = start;
    }
    tacho_array_release(&open);
}

// A heap of indices of symbols that cover the place of the sweep, the strongest on top.
struct heap {
    const struct tacho_symbol *found;
    enum tacho_symbols_rule rule;
    TACHO_ARRAY(size_t) items;
};

static bool stronger(const struct heap *heap, size_t a, size_t b)
{
    const struct tacho_symbol *x = &heap->found[a], *y = &heap->found[b];
    if (x->class != y->class)
        return x->class > y->class;
    if (heap->rule == TACHO_SYMBOLS_REPLACED && x->order != y->order)
        return x->order > y->order;
    return a > b;
}

static void heap_push(struct heap *heap, size_t index)
{
    tacho_array_push(&heap->items, index);
    size_t *items = heap->items.items;
    size_t at = heap->items.count - 1;
    while (at > 0 && stronger(heap, items[at], items[(at - 1) / 2])) {
        size_t parent = (at - 1) / 2, moved = items[at];
        items[at] = items[parent];
        items[parent] = moved;
        at = parent;
    }
}

static void heap_pop(struct heap *heap)
{
    size_t *items = heap->items.items;
    size_t count = --heap->items.count;
    items[0] = items[count];
    for (size_t at = 0;;) {
        size_t best = at, left = 2 * at + 1;
        if (left < count && stronger(heap, items[left], items[best]))
            best = left;
        if (left + 1 < count && stronger(heap, items[left + 1], items[best]))
            best = left + 1;
        if (best == at)
            return;
        size_t moved = items[at];
        items[at] = items[best];
        items[best] = moved;
        at = best;
    }
}

static void emit(struct tacho_symbols *symbols, uint64_t start, uint64_t end,
                 const struct tacho_symbol *symbol)
{
    struct tacho_symbol range = *symbol;
    range.start = start;
    range.end = end;
    tacho_array_push(&symbols->ranges, range);
}

void tacho_symbols_sort(struct tacho_symbols *symbols, enum tacho_symbols_rule rule)
{
    struct tacho_symbol *found = symbols->found.items;
    size_t count = symbols->found.count;
    if (count == 0)
        return;
    qsort(found, count, sizeof *found, compare_symbols);
    close_open(found, count);
    close_at_dropped(symbols);
    tacho_array_reserve(&symbols->ranges, count);
    struct heap heap = {.found = found, .rule = rule};
    uint64_t cursor = 0;
    for (size_t i = 0; i < count || heap.items.count > 0;) {
        if (heap.items.count == 0)
            cursor = found[i].start;
        while (i < count && found[i].start <= cursor)
            heap_push(&heap, i++);
        while (heap.items.count > 0 && found[heap.items.items[0]].end <= cursor)
            heap_pop(&heap);
        if (heap.items.count == 0)
            continue;
        const struct tacho_symbol *top = &found[heap.items.items[0]];
        uint64_t next = top->end;
        if (i < count && found[i].start < next)
            next = found[i].start;
        emit(symbols, cursor, next, top);
        cursor = next;
    }
    tacho_array_release(&heap.items);
    tacho_array_release(&symbols->found);
}

const struct tacho_symbol *tacho_symbols_find(const struct tacho_symbols *symbols, uint64_t address,
                                              size_t *at)
{
    const struct tacho_symbol *ranges = symbols->ranges.items;
    size_t low = *at, high = symbols->ranges.count;
    if (low > high || (low > 0 && ranges[low - 1].end > address))
        low = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    *at = low;
    if (low == symbols->ranges.count || ranges[low].start > address)
        return NULL;
    return &ranges[low];
}

void tacho_symbols_release(struct tacho_symbols *symbols)
{
    tacho_array_release(&symbols->found);
    tacho_array_release(&symbols->ranges);
    tacho_array_release(&symbols->dropped);
}

uint32_t tacho_symbol_name_order(const char *name, unsigned binding)
{
    static const uint32_t of_binding[] = {0, 2, 1}; // local, global, weak
    size_t underscores = 0;
    if (strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0)
        underscores = strspn(name, "_");
    size_t length = strlen(name);
    uint32_t plain = underscores > 3 ? 0 : (uint32_t)(3 - underscores);
    uint32_t bound = binding < 3 ? of_binding[binding] : 0;
    uint32_t brief = length > 0xffff ? 0 : (uint32_t)(0xffff - length);
    return plain << 24 | bound << 20 | brief;
}
