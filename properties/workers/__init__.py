"""Workers: processes in which a layer may crash, hang or take all memory while the supervisor goes on."""
