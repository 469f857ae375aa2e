# Makes a C table of the presets: cmake -DOUT=preset_texts.c -DPRESETS=a;b -DFOLDER=... -P embed.cmake
set(arrays "")
set(rows "")
foreach(preset ${PRESETS})
  file(READ ${FOLDER}/${preset}.yaml hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(MAKE_C_IDENTIFIER ${preset} name)
  string(APPEND arrays "static const char ${name}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${preset}\", ${name}, sizeof ${name} - 1},\n")
endforeach()
file(WRITE ${OUT} "// The files of presets/ as bytes, made by embed.cmake.\n#include \"budget/presets.h\"\n${arrays}"
  "const struct tacho_preset tacho_presets[] = {\n${rows}    {0, 0, 0},\n};\n")
