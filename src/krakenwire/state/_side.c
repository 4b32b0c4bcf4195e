/* One side of a Level 2 book: the loop over the changes of a message.
 *
 * The same class as `Side` in side.py, statement by statement; read that first. It keeps the same Python lists, so every other
 * method is written once, in Python, and a test compares the two after every change. What this loop does not take, it leaves to
 * Python by raising ValueError, as the other does. It uses the limited API only: one build serves every CPython from 3.11 on.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <string.h>
#include <structmember.h>

#define PROVEN_LEVELS 10
/* A key with more digits does not fit 64 bits; Python takes it. */
#define KEY_DIGITS 18
/* Digits of a price and of a quantity together, at most; `longest` is never greater. */
#define MAX_TEXT 128

static PyObject *name_price_text, *name_qty_text, *name_look;

typedef struct {
    PyObject_HEAD
    PyObject *keys;   /* list of int: one more than there are levels */
    PyObject *digits; /* list of bytes or None */
    PyObject *levels; /* list of BookLevel, best first */
    PyObject *ten;    /* list of BookLevel */
    PyObject *top;    /* BookLevel or None */
    PyObject *text;   /* bytes */
    Py_ssize_t depth, price_decimals, qty_decimals, longest;
    int sign;
} Side;

static int
odd(void)
{
    PyErr_SetString(PyExc_ValueError, "not a plain decimal with the book's fraction digits");
    return -1;
}

/* The digits of a plain decimal with exactly `decimals` fraction digits, without leading zeros, appended to `text`; -1 if it is none. */
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

/* Where a key stands in the sorted list, or would. */
static Py_ssize_t
find(PyObject *keys, long long key, int *found)
{
    Py_ssize_t low = 0, high = PyList_Size(keys);
    *found = 0;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        int overflow;
        long long other = PyLong_AsLongLongAndOverflow(PyList_GetItem(keys, middle), &overflow);
        if (other == -1 && !overflow && PyErr_Occurred())
            return -1;
        if (!overflow && other == key) {
            *found = 1;
            return middle;
        }
        if (overflow < 0 || (!overflow && other < key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int
cut_out(Side *self, Py_ssize_t from, Py_ssize_t to)
{
    if (PyList_SetSlice(self->keys, from, to, NULL) < 0 || PyList_SetSlice(self->digits, from, to, NULL) < 0)
        return -1;
    return PyList_SetSlice(self->levels, from, to, NULL);
}

static int
remove_level(Side *self, Py_ssize_t at, PyObject *price)
{
    PyObject *held, *held_price;
    int same;
    if (at >= PyList_Size(self->levels))
        return odd();
    held = PyList_GetItem(self->levels, at);
    held_price = held == NULL ? NULL : PyObject_GetAttr(held, name_price_text);
    if (held_price == NULL)
        return -1;
    same = PyObject_RichCompareBool(held_price, price, Py_EQ);
    Py_DECREF(held_price);
    if (same <= 0)
        return same < 0 ? -1 : odd();
    return cut_out(self, at, at + 1);
}

static int
set_level(Side *self, Py_ssize_t at, int found, long long key, PyObject *digits, PyObject *level)
{
    PyObject *number;
    int failed;
    if (found) {
        /* PyList_SetItem takes over the references. */
        Py_INCREF(digits);
        if (PyList_SetItem(self->digits, at, digits) < 0)
            return -1;
        Py_INCREF(level);
        return PyList_SetItem(self->levels, at, level);
    }
    number = PyLong_FromLongLong(key);
    if (number == NULL)
        return -1;
    failed = PyList_Insert(self->keys, at, number) < 0 || PyList_Insert(self->digits, at, digits) < 0 ||
             PyList_Insert(self->levels, at, level) < 0;
    Py_DECREF(number);
    return failed ? -1 : 0;
}

/* Set or remove one level. Returns its index, -1 on error; `grown` if it is a new one. */
static Py_ssize_t
change_level(Side *self, PyObject *level, int *grown)
{
    char text[MAX_TEXT];
    Py_ssize_t whole, amount, at = -1;
    long long key = 0;
    int found, failed;
    PyObject *digits, *qty = NULL, *price = PyObject_GetAttr(level, name_price_text);
    if (price == NULL || (qty = PyObject_GetAttr(level, name_qty_text)) == NULL)
        goto done;
    whole = read_digits(price, self->price_decimals, text, KEY_DIGITS);
    if (whole < 0)
        goto done;
    amount = read_digits(qty, self->qty_decimals, text + whole, MAX_TEXT - whole);
    if (amount < 0)
        goto done;
    if (whole == 0 || whole + amount > self->longest) {
        odd();
        goto done;
    }
    for (Py_ssize_t i = 0; i < whole; i++)
        key = 10 * key + (text[i] - '0');
    key *= self->sign;
    at = find(self->keys, key, &found);
    if (at < 0)
        goto done;
    if (amount == 0) {
        failed = remove_level(self, at, price);
    }
    else {
        digits = PyBytes_FromStringAndSize(text, whole + amount);
        failed = digits == NULL || set_level(self, at, found, key, digits, level) < 0;
        Py_XDECREF(digits);
        *grown |= !found;
    }
    if (failed)
        at = -1;
done:
    Py_XDECREF(price);
    Py_XDECREF(qty);
    return at;
}

/* The digits of the ten best levels, joined; NULL without an exception if some are not known yet. */
static PyObject *
join(PyObject *digits)
{
    Py_ssize_t count = PyList_Size(digits), total = 0;
    PyObject *joined;
    char *end;
    if (count > PROVEN_LEVELS)
        count = PROVEN_LEVELS;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *part = PyList_GetItem(digits, i);
        if (!PyBytes_Check(part))
            return NULL;
        total += PyBytes_Size(part);
    }
    joined = PyBytes_FromStringAndSize(NULL, total);
    if (joined == NULL)
        return NULL;
    end = PyBytes_AsString(joined);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *part = PyList_GetItem(digits, i);
        Py_ssize_t size = PyBytes_Size(part);
        memcpy(end, PyBytes_AsString(part), size);
        end += size;
    }
    return joined;
}

static void
put(PyObject **where, PyObject *value) /* takes over the reference */
{
    PyObject *before = *where;
    *where = value;
    Py_XDECREF(before);
}

/* Look at the ten best levels anew. */
static PyObject *
look(Side *self)
{
    PyObject *ten, *top, *text = join(self->digits);
    int same;
    if (text == NULL)
        return PyErr_Occurred() ? NULL : PyObject_CallMethodObjArgs((PyObject *)self, name_look, NULL);
    ten = PyList_GetSlice(self->levels, 0, PROVEN_LEVELS);
    if (ten == NULL) {
        Py_DECREF(text);
        return NULL;
    }
    top = PyList_Size(ten) ? PyList_GetItem(ten, 0) : Py_None;
    Py_INCREF(top);
    put(&self->top, top);
    put(&self->ten, ten);
    same = self->text != NULL && PyBytes_Check(self->text) && PyBytes_Size(self->text) == PyBytes_Size(text) &&
           memcmp(PyBytes_AsString(self->text), PyBytes_AsString(text), PyBytes_Size(text)) == 0;
    put(&self->text, text);
    return PyBool_FromLong(!same);
}

/* Of a book among a thousand, nothing is in the cache: fetch at once what is going to be read one after the other. */
static void
fetch(Side *self)
{
#if defined(__GNUC__)
    Py_ssize_t count = PyList_Size(self->digits);
    if (count > PROVEN_LEVELS)
        count = PROVEN_LEVELS;
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *digits = (const char *)PyList_GetItem(self->digits, i);
        __builtin_prefetch(PyList_GetItem(self->keys, i));
        __builtin_prefetch(digits);
        __builtin_prefetch(digits + 48);
        __builtin_prefetch(PyList_GetItem(self->levels, i), 1);
    }
#endif
}

static PyObject *
change(Side *self, PyObject *changes)
{
    Py_ssize_t first = PY_SSIZE_T_MAX, count;
    int grown = 0;
    if (!PyTuple_Check(changes) || !self->keys || !self->digits || !self->levels) {
        PyErr_SetString(PyExc_TypeError, "changes must be a tuple of levels");
        return NULL;
    }
    fetch(self);
    count = PyTuple_Size(changes);
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t at = change_level(self, PyTuple_GetItem(changes, i), &grown);
        if (at < 0)
            return NULL;
        if (at < first)
            first = at;
    }
    if (grown) {
        Py_ssize_t held = PyList_Size(self->levels);
        if (held > self->depth && cut_out(self, self->depth, held) < 0)
            return NULL;
    }
    if (first >= PROVEN_LEVELS)
        Py_RETURN_FALSE; /* the checksum does not cover it */
    return look(self);
}

static int
traverse(Side *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->keys);
    Py_VISIT(self->digits);
    Py_VISIT(self->levels);
    Py_VISIT(self->ten);
    Py_VISIT(self->top);
    Py_VISIT(self->text);
    return 0;
}

static int
clear(Side *self)
{
    Py_CLEAR(self->keys);
    Py_CLEAR(self->digits);
    Py_CLEAR(self->levels);
    Py_CLEAR(self->ten);
    Py_CLEAR(self->top);
    Py_CLEAR(self->text);
    return 0;
}

static void
dealloc(Side *self)
{
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    PyObject_GC_UnTrack(self);
    clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"keys", T_OBJECT_EX, offsetof(Side, keys), 0, NULL},
    {"digits", T_OBJECT_EX, offsetof(Side, digits), 0, NULL},
    {"levels", T_OBJECT_EX, offsetof(Side, levels), 0, NULL},
    {"ten", T_OBJECT_EX, offsetof(Side, ten), 0, NULL},
    {"top", T_OBJECT_EX, offsetof(Side, top), 0, NULL},
    {"text", T_OBJECT_EX, offsetof(Side, text), 0, NULL},
    {"depth", T_PYSSIZET, offsetof(Side, depth), 0, NULL},
    {"price_decimals", T_PYSSIZET, offsetof(Side, price_decimals), 0, NULL},
    {"qty_decimals", T_PYSSIZET, offsetof(Side, qty_decimals), 0, NULL},
    {"longest", T_PYSSIZET, offsetof(Side, longest), 0, NULL},
    {"sign", T_INT, offsetof(Side, sign), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef methods[] = {
    {"change", (PyCFunction)change, METH_O, "Set or remove levels in order, then cut to depth. True if the checksum's input changed."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One side of a book, with the loop over its changes compiled."},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
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

static int
fill_module(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&spec);
    int failed = type == NULL || PyModule_AddObjectRef(module, "Side", type) < 0;
    Py_XDECREF(type);
    if (failed)
        return -1;
    name_price_text = PyUnicode_InternFromString("price_text");
    name_qty_text = PyUnicode_InternFromString("qty_text");
    name_look = PyUnicode_InternFromString("look");
    return name_price_text && name_qty_text && name_look ? 0 : -1;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill_module},
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "krakenwire.state._side",
    .m_doc = "The loop over the changes of a book message, compiled.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__side(void)
{
    return PyModuleDef_Init(&module);
}
