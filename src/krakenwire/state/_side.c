/* One side of a Level 2 book, and the loop over the changes of a message.
 *
 * The same class as `Side` in side.py; read that first. Python says there what everything means, and a test compares the two after every
 * change. What this loop does not take, it leaves to Python by raising ValueError, as the other does.
 *
 * A book among a thousand is not in the processor's cache, so what counts is how many places in memory a message touches. Sort keys are
 * plain integers side by side, the digits of the ten best levels are one text that is mended where it changes, and a level is looked at
 * only when it comes or goes.
 *
 * It uses the limited API only: one build serves every CPython from 3.11 on.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#define PROVEN_LEVELS 10
/* A key with more digits does not fit 64 bits; Python takes it. */
#define KEY_DIGITS 18
/* Digits of a price and of a quantity together, at most; `longest` is never greater. */
#define MAX_TEXT 128

static PyObject *name_price_text, *name_qty_text, *name_asks, *name_bids;
static PyTypeObject *side_type;

typedef struct {
    PyObject_HEAD
    PyObject **levels; /* best first; owned */
    int64_t *keys;     /* of each level; sorted if `plain` */
    Py_ssize_t count, room, depth, price_decimals, qty_decimals, longest;
    int sign;
    char plain;            /* every level is one that `change` could have taken */
    char stale;            /* `text` is not that of the levels held */
    char summed;           /* `sum` is that of `text`, continuing `sum_before` */
    unsigned char written; /* levels in `text` */
    uint32_t sum, sum_before;
    Py_ssize_t size; /* of `text` */
    unsigned char sizes[PROVEN_LEVELS + 1];
    char text[(PROVEN_LEVELS + 1) * MAX_TEXT];
    PyObject *given; /* bytes: the text as Python has set it; or NULL */
    /* The ten best before the last change. Those that have left since are owned by `gone`, the others by `levels`. */
    PyObject *before[PROVEN_LEVELS], *gone[PROVEN_LEVELS];
    Py_ssize_t before_count, gone_count;
} Side;

static int
odd(void)
{
    PyErr_SetString(PyExc_ValueError, "not a plain decimal with the book's fraction digits");
    return -1;
}

static Py_ssize_t
at_most_ten(Py_ssize_t count)
{
    return count < PROVEN_LEVELS ? count : PROVEN_LEVELS;
}

/* ---------------------------------------------------------------- CRC-32, eight bytes at a time */

static uint32_t crc_table[8][256];

static void
fill_crc_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
        crc_table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int more = 1; more < 8; more++)
            crc_table[more][i] = (crc_table[more - 1][i] >> 8) ^ crc_table[0][crc_table[more - 1][i] & 0xFF];
}

static uint32_t
crc32_from(uint32_t crc, const char *text, Py_ssize_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    crc = ~crc;
    for (; size >= 8; size -= 8, at += 8)
        crc = crc_table[7][(crc ^ at[0]) & 0xFF] ^ crc_table[6][((crc >> 8) ^ at[1]) & 0xFF] ^
              crc_table[5][((crc >> 16) ^ at[2]) & 0xFF] ^ crc_table[4][(crc >> 24) ^ at[3]] ^ crc_table[3][at[4]] ^
              crc_table[2][at[5]] ^ crc_table[1][at[6]] ^ crc_table[0][at[7]];
    for (; size > 0; size--, at++)
        crc = (crc >> 8) ^ crc_table[0][(crc ^ *at) & 0xFF];
    return ~crc;
}

static uint32_t
sum_of(Side *self, uint32_t before)
{
    if (!self->summed || self->sum_before != before) {
        self->sum = crc32_from(before, self->text, self->size);
        self->sum_before = before;
        self->summed = 1;
    }
    return self->sum;
}

/* ---------------------------------------------------------------- reading a level */

/* The digits of a plain decimal with exactly `decimals` fraction digits, without leading zeros, written to `text`; -1 if it is none. */
static Py_ssize_t
read_digits(PyObject *token, Py_ssize_t decimals, char *text, Py_ssize_t room)
{
    Py_ssize_t size, used = 0, point;
    const char *at = PyUnicode_AsUTF8AndSize(token, &size); /* TypeError if it is no str */
    if (at == NULL)
        return -1;
    point = size - 1 - decimals;
    if (point < 1 || size > MAX_TEXT || at[point] != '.')
        return odd();
    for (Py_ssize_t i = 0; i < size; i++) {
        if (i == point)
            continue;
        if (at[i] < '0' || at[i] > '9')
            return odd();
        if (used || at[i] != '0') {
            if (used >= room)
                return odd();
            text[used++] = at[i];
        }
    }
    return used;
}

/* What a level says: its key, its digits, and how many of them are the quantity's. Returns how many digits there are, -1 if it is odd.
 * `exact`: its tokens must be text and nothing more; a subclass marks digits that were lost. */
static Py_ssize_t
read_level(Side *self, PyObject *level, int exact, int64_t *key, char *text, Py_ssize_t *amount)
{
    Py_ssize_t whole = -1;
    PyObject *qty = NULL, *price = PyObject_GetAttr(level, name_price_text);
    *amount = -1;
    if (price != NULL && (qty = PyObject_GetAttr(level, name_qty_text)) != NULL) {
        if (exact && !(Py_IS_TYPE(price, &PyUnicode_Type) && Py_IS_TYPE(qty, &PyUnicode_Type)))
            odd();
        else
            whole = read_digits(price, self->price_decimals, text, KEY_DIGITS);
        if (whole >= 0)
            *amount = read_digits(qty, self->qty_decimals, text + whole, MAX_TEXT - whole);
    }
    Py_XDECREF(price);
    Py_XDECREF(qty);
    if (whole < 0 || *amount < 0)
        return -1;
    if (whole == 0 || whole + *amount > self->longest)
        return odd();
    *key = 0;
    for (Py_ssize_t i = 0; i < whole; i++)
        *key = 10 * *key + (text[i] - '0');
    *key *= self->sign;
    return whole + *amount;
}

/* The same of a level that no change has brought, exactly. An odd one is no error here: 0. */
static Py_ssize_t
read_given(Side *self, PyObject *level, int64_t *key, char *text)
{
    Py_ssize_t amount, size = read_level(self, level, 1, key, text, &amount);
    if (size < 0 && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        size = 0;
    }
    return size <= 0 || amount > 0 ? size : 0;
}

/* ---------------------------------------------------------------- the text of the ten best */

/* Put the digits of the level at `at` into the text, in place of what stood there (`found`) or before it. */
static void
write_at(Side *self, Py_ssize_t at, int found, const char *digits, Py_ssize_t size)
{
    Py_ssize_t from = 0, before = found ? self->sizes[at] : 0;
    for (Py_ssize_t i = 0; i < at; i++)
        from += self->sizes[i];
    memmove(self->text + from + size, self->text + from + before, self->size - from - before);
    memcpy(self->text + from, digits, size);
    self->size += size - before;
    if (!found) {
        memmove(self->sizes + at + 1, self->sizes + at, self->written - at);
        self->written++;
    }
    self->sizes[at] = (unsigned char)size;
    if (self->written > PROVEN_LEVELS)
        self->size -= self->sizes[--self->written];
    self->summed = 0;
}

/* Put the digits of the next level at the end, while there are less than ten and more are held. */
static int
write_on(Side *self)
{
    while (self->written < at_most_ten(self->count)) {
        char digits[MAX_TEXT];
        int64_t key;
        Py_ssize_t amount, size;
        PyObject *level = self->levels[self->written];
        Py_INCREF(level);
        size = read_level(self, level, 0, &key, digits, &amount);
        Py_DECREF(level);
        if (size < 0) {
            self->stale = 1;
            return -1;
        }
        write_at(self, self->written, 0, digits, size);
    }
    return 0;
}

static int
unwrite_at(Side *self, Py_ssize_t at)
{
    Py_ssize_t from = 0, size = self->sizes[at];
    for (Py_ssize_t i = 0; i < at; i++)
        from += self->sizes[i];
    memmove(self->text + from, self->text + from + size, self->size - from - size);
    memmove(self->sizes + at, self->sizes + at + 1, self->written - at - 1);
    self->size -= size;
    self->written--;
    self->summed = 0;
    return write_on(self);
}

/* Make the text anew if it is not that of the levels. */
static int
ready(Side *self)
{
    if (!self->plain)
        return odd();
    if (self->stale) {
        self->size = self->written = self->summed = 0;
        if (write_on(self) < 0)
            return -1;
        Py_CLEAR(self->given);
        self->stale = 0;
    }
    return 0;
}

/* ---------------------------------------------------------------- the levels */

/* Where a key stands among the sorted ones, or would. */
static Py_ssize_t
find(Side *self, int64_t key, int *found)
{
    Py_ssize_t low = 0, high = self->count;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (self->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < self->count && self->keys[low] == key;
    return low;
}

static int
make_room(Side *self, Py_ssize_t count)
{
    Py_ssize_t room = count + count / 8 + 4;
    void *levels, *keys;
    if (count <= self->room)
        return 0;
    levels = PyMem_Realloc(self->levels, room * sizeof *self->levels);
    if (levels != NULL)
        self->levels = levels;
    keys = PyMem_Realloc(self->keys, room * sizeof *self->keys);
    if (keys != NULL)
        self->keys = keys;
    if (levels == NULL || keys == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->room = room;
    return 0;
}

/* A level has left `levels`; its reference goes to `gone`, where it is still needed, or is given back. */
static void
retire(Side *self, PyObject *level)
{
    int needed = 0;
    for (Py_ssize_t i = 0; i < self->before_count; i++)
        needed |= self->before[i] == level;
    for (Py_ssize_t i = 0; i < self->gone_count; i++)
        needed &= self->gone[i] != level;
    if (needed)
        self->gone[self->gone_count++] = level;
    else
        Py_DECREF(level);
}

static void
forget_before(Side *self)
{
    Py_ssize_t count = self->gone_count;
    PyObject *gone[PROVEN_LEVELS];
    memcpy(gone, self->gone, sizeof gone);
    self->before_count = self->gone_count = 0;
    while (count > 0)
        Py_DECREF(gone[--count]);
}

static void
remember_before(Side *self)
{
    forget_before(self);
    self->before_count = at_most_ten(self->count);
    memcpy(self->before, self->levels, self->before_count * sizeof *self->before);
}

/* The caller retires what this returns, when nothing depends on an index any more: foreign code may run then. */
static PyObject *
take_out(Side *self, Py_ssize_t at)
{
    PyObject *level = self->levels[at];
    self->count--;
    memmove(self->levels + at, self->levels + at + 1, (self->count - at) * sizeof *self->levels);
    memmove(self->keys + at, self->keys + at + 1, (self->count - at) * sizeof *self->keys);
    return level;
}

/* The same of `held`: the level that stood there, or NULL. */
static int
put_in(Side *self, Py_ssize_t at, int found, int64_t key, PyObject *level, PyObject **held)
{
    *held = NULL;
    if (found) {
        *held = self->levels[at];
    }
    else {
        if (make_room(self, self->count + 1) < 0)
            return -1;
        memmove(self->levels + at + 1, self->levels + at, (self->count - at) * sizeof *self->levels);
        memmove(self->keys + at + 1, self->keys + at, (self->count - at) * sizeof *self->keys);
        self->count++;
    }
    Py_INCREF(level);
    self->levels[at] = level;
    self->keys[at] = key;
    return 0;
}

static void
cut_to(Side *self, Py_ssize_t depth)
{
    while (self->count > depth) {
        if (self->written == self->count && !self->stale) {
            self->size -= self->sizes[--self->written];
            self->summed = 0;
        }
        retire(self, self->levels[--self->count]);
    }
}

/* ---------------------------------------------------------------- a message */

static int
change_level(Side *self, PyObject *level)
{
    char digits[MAX_TEXT];
    int64_t key;
    int found, failed = 0;
    PyObject *left;
    Py_ssize_t at, amount, size = read_level(self, level, 0, &key, digits, &amount);
    if (size < 0)
        return -1;
    at = find(self, key, &found);
    if (amount > 0) {
        if (put_in(self, at, found, key, level, &left) < 0)
            return -1;
        if (at < PROVEN_LEVELS)
            write_at(self, at, found, digits, size);
    }
    else {
        if (!found)
            return odd();
        left = take_out(self, at);
        if (at < PROVEN_LEVELS)
            failed = unwrite_at(self, at);
    }
    if (left != NULL)
        retire(self, left);
    return failed;
}

static int
change_side(Side *self, PyObject *changes)
{
    Py_ssize_t count;
    if (!PyTuple_Check(changes)) {
        PyErr_SetString(PyExc_TypeError, "changes must be a tuple of levels");
        return -1;
    }
    if (ready(self) < 0)
        return -1;
    count = PyTuple_Size(changes);
    for (Py_ssize_t i = 0; i < count; i++)
        if (change_level(self, PyTuple_GetItem(changes, i)) < 0)
            return -1;
    cut_to(self, self->depth);
    return 0;
}

static PyObject *
change(Side *self, PyObject *changes)
{
    remember_before(self);
    if (change_side(self, changes) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* The changes of one side of a message, or None if there are none. */
static PyObject *
begin(Side *self, PyObject *data, PyObject *name)
{
    PyObject *changes = PyObject_GetAttr(data, name);
    if (changes != NULL && PyTuple_Check(changes) && PyTuple_Size(changes) == 0) {
        Py_DECREF(changes);
        changes = Py_None;
        Py_INCREF(changes);
    }
    if (changes != NULL && changes != Py_None)
        remember_before(self);
    return changes;
}

/* Of a book among a thousand, nothing is in the cache: fetch at once what is going to be read one after the other. */
static void
fetch(Side *self)
{
#if defined(__GNUC__)
    __builtin_prefetch(self->keys);
    __builtin_prefetch(self->levels);
    __builtin_prefetch(self->text);
    __builtin_prefetch(self->text + 64);
    __builtin_prefetch(self->text + 128);
    __builtin_prefetch(self->text + 192);
    for (Py_ssize_t i = 0; i < self->gone_count; i++)
        __builtin_prefetch(self->gone[i]);
#endif
}

static PyObject *
apply(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *first, *second, *data, *of_asks, *of_bids = NULL;
    Side *asks, *bids;
    int failed = 1;
    if (!PyArg_UnpackTuple(args, "apply", 3, 3, &first, &second, &data))
        return NULL;
    if (!PyObject_TypeCheck(first, side_type) || !PyObject_TypeCheck(second, side_type)) {
        PyErr_SetString(PyExc_TypeError, "apply(asks, bids, data) takes two sides and the data of a message");
        return NULL;
    }
    asks = (Side *)first;
    bids = (Side *)second;
    fetch(asks);
    fetch(bids);
    of_asks = begin(asks, data, name_asks);
    if (of_asks != NULL)
        of_bids = begin(bids, data, name_bids);
    if (of_bids != NULL)
        failed = (of_asks != Py_None && change_side(asks, of_asks) < 0) || (of_bids != Py_None && change_side(bids, of_bids) < 0) ||
                 ready(asks) < 0 || ready(bids) < 0;
    Py_XDECREF(of_asks);
    Py_XDECREF(of_bids);
    return failed ? NULL : PyLong_FromUnsignedLong(sum_of(bids, sum_of(asks, 0)));
}

/* ---------------------------------------------------------------- what the rest of the book does in Python */

static PyObject *
load(Side *self, PyObject *levels)
{
    Py_ssize_t count;
    PyObject *left;
    int64_t last = INT64_MIN;
    if (!PyTuple_Check(levels)) {
        PyErr_SetString(PyExc_TypeError, "levels must be a tuple");
        return NULL;
    }
    forget_before(self);
    cut_to(self, 0);
    Py_CLEAR(self->given);
    self->size = self->written = self->stale = self->summed = 0;
    self->plain = 1;
    count = PyTuple_Size(levels);
    if (make_room(self, count) < 0)
        return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *level = PyTuple_GetItem(levels, i);
        char digits[MAX_TEXT];
        int64_t key = 0;
        if (self->plain) {
            Py_ssize_t size = read_given(self, level, &key, digits);
            if (size < 0)
                return NULL;
            self->plain = size > 0 && key > last;
            last = key;
            if (self->plain && self->written < PROVEN_LEVELS)
                write_at(self, self->written, 0, digits, size);
        }
        if (put_in(self, self->count, 0, key, level, &left) < 0)
            return NULL;
    }
    self->stale = !self->plain;
    return PyBool_FromLong(self->plain);
}

static PyObject *
splice(Side *self, PyObject *args)
{
    Py_ssize_t at;
    int found;
    PyObject *level, *left = NULL;
    int64_t key = 0;
    if (!PyArg_ParseTuple(args, "npO", &at, &found, &level))
        return NULL;
    if (level != Py_None && self->plain) {
        char digits[MAX_TEXT];
        Py_ssize_t size = read_given(self, level, &key, digits);
        if (size < 0)
            return NULL;
        self->plain = size > 0;
    }
    if (at < 0 || at + (found ? 1 : 0) > self->count) {
        PyErr_SetString(PyExc_IndexError, "no such level");
        return NULL;
    }
    self->stale = 1;
    if (level == Py_None)
        left = found ? take_out(self, at) : NULL;
    else if (put_in(self, at, found, key, level, &left) < 0)
        return NULL;
    if (left != NULL)
        retire(self, left);
    Py_RETURN_NONE;
}

static PyObject *
cut(Side *self, PyObject *Py_UNUSED(ignored))
{
    cut_to(self, self->depth);
    Py_RETURN_NONE;
}

static PyObject *
list_of(PyObject **levels, Py_ssize_t count)
{
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        Py_INCREF(levels[i]);
        PyList_SetItem(list, i, levels[i]);
    }
    return list;
}

static PyObject *
get_levels(Side *self, void *Py_UNUSED(closure))
{
    return list_of(self->levels, self->count);
}

static PyObject *
get_ten(Side *self, void *Py_UNUSED(closure))
{
    return list_of(self->levels, at_most_ten(self->count));
}

static PyObject *
get_before(Side *self, void *Py_UNUSED(closure))
{
    return list_of(self->before, self->before_count);
}

static PyObject *
get_top(Side *self, void *Py_UNUSED(closure))
{
    PyObject *top = self->count ? self->levels[0] : Py_None;
    Py_INCREF(top);
    return top;
}

static PyObject *
get_best(Side *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLongLong(!self->plain ? -INT64_MAX : self->count ? self->keys[0] : INT64_MAX);
}

static PyObject *
get_text(Side *self, void *Py_UNUSED(closure))
{
    if (self->given != NULL) {
        Py_INCREF(self->given);
        return self->given;
    }
    return PyBytes_FromStringAndSize(self->text, self->size);
}

static int
set_text(Side *self, PyObject *value, void *Py_UNUSED(closure))
{
    PyObject *before = self->given;
    if (value == NULL || !PyBytes_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "text must be bytes");
        return -1;
    }
    Py_INCREF(value);
    self->given = value;
    self->stale = 1;
    Py_XDECREF(before);
    return 0;
}

static Py_ssize_t
length(Side *self)
{
    return self->count;
}

static PyObject *
item(Side *self, Py_ssize_t at)
{
    if (at < 0 || at >= self->count) {
        PyErr_SetString(PyExc_IndexError, "no such level");
        return NULL;
    }
    Py_INCREF(self->levels[at]);
    return self->levels[at];
}

/* ---------------------------------------------------------------- the type */

static int
traverse(Side *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE((PyObject *)self));
    for (Py_ssize_t i = 0; i < self->count; i++)
        Py_VISIT(self->levels[i]);
    for (Py_ssize_t i = 0; i < self->gone_count; i++)
        Py_VISIT(self->gone[i]);
    return 0;
}

static int
clear(Side *self)
{
    forget_before(self);
    cut_to(self, 0);
    Py_CLEAR(self->given);
    return 0;
}

static void
dealloc(Side *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    PyObject_GC_UnTrack(self);
    clear(self);
    PyMem_Free(self->levels);
    PyMem_Free(self->keys);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"depth", T_PYSSIZET, offsetof(Side, depth), 0, NULL},
    {"price_decimals", T_PYSSIZET, offsetof(Side, price_decimals), 0, NULL},
    {"qty_decimals", T_PYSSIZET, offsetof(Side, qty_decimals), 0, NULL},
    {"longest", T_PYSSIZET, offsetof(Side, longest), 0, NULL},
    {"sign", T_INT, offsetof(Side, sign), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef getsets[] = {
    {"levels", (getter)get_levels, NULL, "All levels, best first: a new list.", NULL},
    {"ten", (getter)get_ten, NULL, "The ten best levels: a new list.", NULL},
    {"before", (getter)get_before, NULL, "The ten best levels before the last change: a new list.", NULL},
    {"top", (getter)get_top, NULL, "The best level, or None.", NULL},
    {"best", (getter)get_best, NULL, "The sort key of the best level; NO_KEY if there is none, -NO_KEY if it is not known.", NULL},
    {"text", (getter)get_text, (setter)set_text, "The checksum's input: digits of the ten best levels.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef methods[] = {
    {"change", (PyCFunction)change, METH_O, "Set or remove levels in order, then cut to depth."},
    {"load", (PyCFunction)load, METH_O, "Hold these levels and no others. False if `change` cannot follow."},
    {"splice", (PyCFunction)splice, METH_VARARGS, "Set, insert or remove one level by its index."},
    {"cut", (PyCFunction)cut, METH_NOARGS, "Drop what lies beyond the depth."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One side of a book, with the loop over its changes compiled."},
    {Py_tp_members, members},
    {Py_tp_getset, getsets},
    {Py_tp_methods, methods},
    {Py_sq_length, length},
    {Py_sq_item, item},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_new, PyType_GenericNew},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "krakenwire.state._side.Side",
    .basicsize = sizeof(Side),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

static PyMethodDef functions[] = {
    {"apply", apply, METH_VARARGS, "Take the changes of a message on both sides. Returns the CRC-32 of the book that results."},
    {NULL, NULL, 0, NULL},
};

static int
fill_module(PyObject *module)
{
    fill_crc_table();
    name_price_text = PyUnicode_InternFromString("price_text");
    name_qty_text = PyUnicode_InternFromString("qty_text");
    name_asks = PyUnicode_InternFromString("asks");
    name_bids = PyUnicode_InternFromString("bids");
    side_type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (!name_price_text || !name_qty_text || !name_asks || !name_bids || !side_type)
        return -1;
    return PyModule_AddObjectRef(module, "Side", (PyObject *)side_type);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill_module},
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "krakenwire.state._side",
    .m_doc = "The loop over the changes of a book message, compiled.",
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__side(void)
{
    return PyModuleDef_Init(&module);
}
