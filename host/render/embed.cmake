# Makes C arrays of text files: cmake -DOUT=assets.c -DFILES=a.js;b.css -DFOLDER=... -P embed.cmake
set(text "// The files of html/ as bytes, made by embed.cmake.\n#include \"render/assets.h\"\n")
foreach(file ${FILES})
  file(READ ${FOLDER}/${file} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  # Sixteen bytes a line.
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
         "\\1\n" bytes "${bytes}")
  string(MAKE_C_IDENTIFIER ${file} name)
  string(APPEND text "const unsigned char tacho_asset_${name}[] = {\n${bytes}};\n"
                     "const size_t tacho_asset_${name}_size = ${size};\n")
endforeach()
file(WRITE ${OUT} "${text}")
