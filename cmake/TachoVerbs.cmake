# The verbs of the build: a layer is a folder that sees only the layers it names.

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g") # assertions stay on: no -DNDEBUG
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)

set(TACHO_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wundef -Wwrite-strings -Werror)

# tacho_layer(NAME SOURCES file... LAYERS layer... LIBRARIES library...)
# makes the library tacho_NAME of the folder it is called from. Others include its headers as
# "FOLDER/file.h"; they are visible only to those who name the layer, because the include path holds
# nothing but a link to that one folder.
function(tacho_layer name)
  cmake_parse_arguments(L "" "" "SOURCES;LAYERS;LIBRARIES" ${ARGN})
  set(gate ${CMAKE_BINARY_DIR}/layers/${name})
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  file(MAKE_DIRECTORY ${gate})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${gate}/${folder} SYMBOLIC)
  if(L_SOURCES)
    add_library(tacho_${name} STATIC ${L_SOURCES})
    set(scope PUBLIC)
    target_compile_options(tacho_${name} PRIVATE ${TACHO_WARNINGS})
    target_compile_definitions(tacho_${name} PRIVATE _GNU_SOURCE)
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
      set_target_properties(tacho_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
  else()
    add_library(tacho_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(tacho_${name} ${scope} ${gate})
  list(TRANSFORM L_LAYERS PREPEND tacho_)
  target_link_libraries(tacho_${name} ${scope} ${L_LAYERS} ${L_LIBRARIES})
endfunction()

# tacho_test(NAME SOURCES file... LAYERS layer... [LABELS label...] [TIMEOUT seconds])
# builds a cmocka program and registers it with ctest under the folder's path and name; such tests have the
# label unit, and are what the presets with other compilers and sanitizers run. LABELS unsanitized keeps a test
# from the sanitizers, LABELS slow from `./test --fast`; LABELS threads gives it to the thread sanitizer, which
# finds nothing in a test without threads.
function(tacho_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LAYERS;LABELS;LIBRARIES" ${ARGN})
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
  string(REPLACE "/" "_" prefix ${folder})
  set(target test_${prefix}_${name})
  add_executable(${target} ${T_SOURCES})
  target_compile_options(${target} PRIVATE ${TACHO_WARNINGS})
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE
    TACHO_SOURCE_DIR="${PROJECT_SOURCE_DIR}" TACHO_BINARY_DIR="${PROJECT_BINARY_DIR}")
  list(TRANSFORM T_LAYERS PREPEND tacho_)
  target_link_libraries(${target} PRIVATE ${T_LAYERS} ${T_LIBRARIES} cmocka)
  add_test(NAME ${folder}/${name} COMMAND ${target})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  set_tests_properties(${folder}/${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "unit;${T_LABELS}")
endfunction()

# tacho_script_test(NAME COMMAND word... [TIMEOUT seconds] [LABELS label...] [SERIAL])
# registers a program or script; exit status 77 means skipped (it prints why). Its environment names the command
# (TACHO_PROGRAM; the variable TACHO is libtacho's own) and the two folders.
function(tacho_script_test name)
  cmake_parse_arguments(T "SERIAL" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
  add_test(NAME ${folder}/${name} COMMAND ${T_COMMAND})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  set_tests_properties(${folder}/${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}"
    SKIP_RETURN_CODE 77 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    ENVIRONMENT "TACHO_PROGRAM=$<$<TARGET_EXISTS:tacho>:$<TARGET_FILE:tacho>>")
  set_property(TEST ${folder}/${name} APPEND PROPERTY ENVIRONMENT
    TACHO_SOURCE_DIR=${PROJECT_SOURCE_DIR} TACHO_BINARY_DIR=${PROJECT_BINARY_DIR})
  if(T_SERIAL)
    set_tests_properties(${folder}/${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
