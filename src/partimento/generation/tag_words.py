"""What music can be like, and how each of these is described: a text is compared with the descriptions."""

from __future__ import annotations

GENRES: dict[str, str] = {
    "pop": "pop; pop song; pop music; catchy chart hit; indie pop; electro-pop",
    "rock": (
        "rock; rock song; rock band music; progressive rock; grunge; shoegaze; power ballad; folk-rock; pop- rock"
    ),
    "metal": "metal; heavy metal; thrash metal; death metal; metal riff; headbanging; metal band",
    "punk": "punk; punk rock; hardcore punk",
    "electronic": (
        "electronic; electronic music; techno; trance; house music; synthwave; edm; electro; electro-pop; "
        "synth-pop; rave; IDM; drum and bass; dubstep"
    ),
    "dance": "dance; dance music; club music; disco; trance; techno; dance floor; house; edm",
    "ambient": "ambient; ambient music; atmospheric soundscape; drone; ambient electronic; soundscape",
    "classical": (
        "classical; classical music; symphony; sonata; chamber music; scherzo; concerto; minuet; nocturne; "
        "Mozart; Haydn; Beethoven; string quartet music; classical style; rondo; serenade; mazurka; "
        "symphonic; orchestral overture; classical study"
    ),
    "baroque": (
        "baroque; baroque style; like Bach; Bach chorale; Vivaldi; trio sonata; fugue; toccata; gavotte; "
        "minuet; Handel; baroque suite; harpsichord music"
    ),
    "romantic era": ("romantic era; like Chopin; like Brahms; late romantic classical music; Chopin; Schumann; Brahms"),
    "jazz": "jazz; bebop; swing jazz; big band; jazz standard; smooth jazz; gypsy jazz; walking bass; jazzy",
    "blues": "blues; blues song; twelve-bar blues; slow blues",
    "folk": (
        "folk; folk song; folk tune; traditional folk music; celtic; irish; scottish; medieval dance; sea "
        "shanty; fiddle tune; campfire song; folk dance; medieval; polka; jig; reel; bluegrass; singer-songwriter; "
        "klezmer; traditional Japanese melody"
    ),
    "country": "country; country song; bluegrass; two-step; Nashville; country and western",
    "funk": "funk; funky; groovy funk; afrobeat; groovy; groove; slap bass funk",
    "soul": "soul; R&B; rhythm and blues; gospel; neo-soul; Motown",
    "hip hop": "hip hop; rap beat; trap; lo-fi beat; lo-fi hip hop; boom bap; rap; hip-hop; beats",
    "latin": "latin; latin music; salsa; samba; bossa nova; tango; cumbia; mambo",
    "reggae": "reggae; ska; dub; Jamaican music",
    "film music": (
        "film music; soundtrack; cinematic; movie score; trailer music; film cue; western movie theme; film; "
        "movie; adventure film; epic film; documentary; spy theme; horror film"
    ),
    "video game": (
        "video game; game music; chiptune; 8-bit; arcade game; space game; arcade; retro game; boss battle; pixel game"
    ),
    "religious": (
        "religious; hymn; church music; sacred choral music; gospel; carol; worship; spiritual; religious "
        "music; choir hymn; holy; prayer"
    ),
    "easy listening": "easy listening; lounge music; muzak; elevator music",
    "new age": "new age; new age music; healing music; spa music",
    "ragtime": "ragtime; rag; stride piano",
    "march": "march; marching band; military march; marching tune",
    "children's music": "children's music; nursery rhyme; song for kids; children's song",
    "world music": "world music; African music; Indian music; Arabic music; Chinese music; Bollywood",
}
MOODS: dict[str, str] = {
    "happy": (
        "happy; cheerful; joyful; bright and merry; upbeat; sunny; fun; lively; jolly; cheery; gleeful; good "
        "mood; delight"
    ),
    "sad": (
        "sad; sorrowful; mournful; tragic; heartbroken; grief; lament; heartbreaking; crying; loss; depressing; sadness"
    ),
    "melancholic": (
        "melancholic; melancholy; wistful; bittersweet; lonely; pensive; longing; loneliness; yearning; sense of loss"
    ),
    "melodic": "melodic; melodious; tuneful; lyrical; melody-driven; singable tune",
    "calm": (
        "calm; peaceful; relaxing; relaxed; tranquil; gentle; serene; soothing; chill; laid-back; intimate; "
        "quiet; restful; meadow; lazy afternoon"
    ),
    "dreamy": "dreamy; ethereal; floating; otherworldly; dreamlike; celestial; hazy; cloud-like",
    "dark": (
        "dark; ominous; sinister; brooding; gloomy; scary; haunting; horror; spooky; creepy; evil; grim; "
        "menacing; nightmare"
    ),
    "epic": (
        "epic; heroic; triumphant; grand; majestic; grandiose; fanfare; anthem; finale; glorious; powerful "
        "anthem; battle; victory; adventure"
    ),
    "romantic": ("romantic; love song; tender; passionate; sensual; love; lovers; romance; intimate; for my wife"),
    "tense": ("tense; suspenseful; nervous; thrilling; anxious; action chase; suspense; danger; urgent; chase; dread"),
    "angry": "angry; aggressive; furious; violent; hard-driving; rage; hostile; brutal; headbanging",
    "playful": "playful; bouncy; whimsical; cheeky; mischievous; quirky; teasing; light-hearted",
    "funny": "funny; comical; humorous; silly; cartoon; goofy; clown; comedy; slapstick",
    "mysterious": "mysterious; enigmatic; eerie; mystical; magical; haunting; mystery; secret; arcane",
    "uplifting": "uplifting; hopeful; inspiring; optimistic; motivational; encouraging; hope; feel-good",
    "nostalgic": ("nostalgic; retro memories; looking back; old-time; nostalgia; memories of childhood; vintage"),
    "solemn": "solemn; dignified; reverent; stately; hymn-like; grave; ceremonial; serious; sacred",
    "emotional": "emotional; moving; touching; heartfelt; expressive; soulful; emotions; poignant; dramatic",
    "meditative": "meditative; meditation; contemplative; hypnotic; mindful; yoga; trance-like; zen",
}
ENERGIES: dict[str, str] = {
    "low": "low energy; calm; sleepy; gentle and quiet; relaxed; mellow; peaceful; soft and slow",
    "high": (
        "high energy; energetic; powerful and driving; intense; frantic; lively; aggressive; hard-driving; rousing"
    ),
}
OCCASIONS: dict[str, str] = {
    "Christmas": "Christmas; xmas; Christmas carol; Santa Claus; sleigh ride in the snow; winter holidays",
    "wedding": ("wedding; bride and groom; marriage ceremony; wedding march; bride; bridal; walk down the aisle"),
    "birthday": "birthday; birthday party; happy birthday",
    "party": ("party; festive celebration; carnival; night out dancing; celebrate; dance all night; new year's eve"),
    "Halloween": "Halloween; haunted house; spooky night; spooky; ghosts and witches; trick or treat",
    "funeral": "funeral; burial; requiem; farewell to the dead; funeral march; mourning; memorial service",
    "lullaby": (
        "lullaby; bedtime; song to fall asleep; cradle song; for my baby to sleep; fall asleep; help my baby "
        "fall asleep; sleep; good night"
    ),
    "church service": "church service; mass; Sunday worship",
    "dinner": (
        "dinner; dinner party; restaurant background music; cocktail bar; restaurant; candlelight dinner; cocktail"
    ),
    "advertising": (
        "advertising; commercial jingle; corporate video; product presentation; ad; commercial; jingle; corporate"
    ),
    "summer": "summer; beach holiday; sunny summer day; Caribbean; beach; sunshine; holiday; tropical",
    "sport": "sport; workout; gym; football stadium; running; training; running workout; match day",
    "study": "study; music to concentrate; work and focus; reading; studying; homework; concentration",
    "graduation": "graduation ceremony; award ceremony; school celebration; graduation; ceremony",
}
DESCRIPTIONS: dict[str, dict[str, str]] = {"genre": GENRES, "mood": MOODS, "energy": ENERGIES, "occasion": OCCASIONS}
"""Kind of tag ▶ name ▶ descriptions, parted by semicolons."""
