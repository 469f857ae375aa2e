// Names of functions made short enough for a terminal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "render/label.h"

static void long_names_lose_the_arguments_of_their_templates(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"std::vector<int>::push_back", "std::vector<int>::push_back"},
        {"std::sort<__gnu_cxx::__normal_iterator<unsigned long*, std::vector<unsigned long> > >",
         "std::sort<…>"},
        {"std::map<std::string, std::vector<unsigned long> >::operator[]<std::string const&>",
         "std::map<…>::operator[]<…>"},
        {"std::operator<< <char, std::char_traits<char>, std::allocator<char> >",
         "std::operator<< <…>"},
        {"bool very::long::name::space::of::a::thing::operator<",
         "bool very::long::name::space::of::a::thing::operator<"},
        {"std::unique_ptr<shop::Order, std::default_delete<shop::Order> >::operator->",
         "std::unique_ptr<…>::operator->"},
        {"<alloc::vec::Vec<core::option::Option<u64>> as core::ops::Drop>::drop",
         "<alloc::vec::Vec<…> as core::ops::Drop>::drop"},
        {"a_name_that_is_long_enough_and_has_an_open_bracket<int",
         "a_name_that_is_long_enough_and_has_an_open_bracket<int"},
        {"function_with_a_long_name<decltype(a->b), (x<y>::value)>::call",
         "function_with_a_long_name<…>::call"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tacho_buffer label = {0};
        tacho_buffer_text(&label, cases[i][0]);
        assert_string_equal(tacho_label_shorten(&label), cases[i][1]);
        tacho_buffer_release(&label);
    }
    struct tacho_buffer empty = {0};
    assert_null(tacho_label_shorten(&empty));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_names_lose_the_arguments_of_their_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
