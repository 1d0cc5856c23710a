"""Spoken digits as log-mel spectrograms, which are not square; split by speaker, so that no voice is in two parts.

SPOKEN_DIGITS is the folder of 0_george_12.wav and the like (digit, speaker, number; 8 kHz), EVERY takes fewer.
"""

import os
import wave
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

FOLDER, EVERY = Path(os.environ.get("SPOKEN_DIGITS", "data/spoken-digits")), int(os.environ.get("EVERY", "1"))
SPEAKERS = {"train": "jackson nicolas yweweler", "search": "theo", "confirm": "george", "test": "lucas"}
EDGES = (700 * 10 ** (torch.linspace(0, 2146.06, 34) / 2595) - 700) / 4000 * 128  # of 32 mel bands up to 4 kHz
LEFT, MIDDLE, RIGHT = EDGES[:-2, None], EDGES[1:-1, None], EDGES[2:, None]
RISE, FALL = (torch.arange(129) - LEFT) / (MIDDLE - LEFT), (RIGHT - torch.arange(129)) / (RIGHT - MIDDLE)


def spectrogram(path):  # (1, 32 mels, 48 frames); a window is 32 ms, and a frame comes every 16 ms
    with wave.open(str(path)) as file:
        sound = torch.frombuffer(bytearray(file.readframes(file.getnframes())), dtype=torch.int16) / 2**15
    power = torch.stft(sound, 256, 128, window=torch.hann_window(256), return_complex=True).abs() ** 2
    logs = (torch.minimum(RISE, FALL).clamp(min=0) @ power + 1e-6).log() / 4 + 1.5
    return F.pad(logs, (0, max(0, 48 - logs.shape[1])), value=-1.95)[None, :, :48]


def load(speakers):
    paths = sorted(path for speaker in speakers.split() for path in FOLDER.glob(f"?_{speaker}_*.wav"))[::EVERY]
    return torch.stack([*map(spectrogram, paths)]), torch.tensor([int(path.name[0]) for path in paths])


PARTS = {split: load(speakers) for split, speakers in SPEAKERS.items()}


def host():
    blocks = [(nn.Conv2d(i, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)) for i in (1, 16, 16)]
    return nn.Sequential(*sum(blocks, ()), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


def score(network, split):
    with torch.no_grad():
        return (network.eval()(PARTS[split][0]).argmax(1) == PARTS[split][1]).float().mean().item()


def train(network, epochs=10):
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.05)
    for epoch in range(epochs):
        for batch in torch.randperm(len(PARTS["train"][1])).split(50):
            optimizer.zero_grad()
            F.cross_entropy(network.train()(PARTS["train"][0][batch]), PARTS["train"][1][batch]).backward()
            optimizer.step()
        print(epoch, score(network, "search"))


train(host())
