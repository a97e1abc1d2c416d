"""The texts of the examples. @word@ is filled in by examples.py."""

CURL_MODELS = """\
curl@trust@ "@base@/models" \\
  -H "Authorization: Bearer @key@"
"""
CURL_CHAT = """\
curl@trust@ "@base@/chat/completions" \\
  -H "Authorization: Bearer @key@" \\
  -H "Content-Type: application/json" \\
  -d @body@
"""
CURL_AUDIO = """\
curl@trust@ "@base@/audio/transcriptions" \\
  -H "Authorization: Bearer @key@" \\
  -F @field@ -F file=@speech.wav
"""

PYTHON_TRUST = """\
import os

os.environ["SSL_CERT_FILE"] = "ca.pem"  # before anything connects

"""
_PYTHON = """\
# pip install openai
@trust@from openai import OpenAI

client = OpenAI(base_url="@base@", api_key="@key@")
"""
PYTHON_CHAT = f"""\
{_PYTHON}answer = client.chat.completions.create(
    model=@model@,
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.choices[0].message.content)
"""
PYTHON_STREAM = f"""\
{_PYTHON}stream = client.chat.completions.create(
    model=@model@,
    messages=[{{"role": "user", "content": "Hello"}}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
"""
PYTHON_AUDIO = f"""\
{_PYTHON}with open("speech.wav", "rb") as sound:
    text = client.audio.transcriptions.create(model=@model@, file=sound)
print(text.text)
"""

LANGCHAIN_CHAT = """\
# pip install langchain-openai
@trust@from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    base_url="@base@",
    api_key="@key@",
    model=@model@,
)
print(model.invoke("Hello").content)
"""

_JAVASCRIPT = """\
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "@base@",
  apiKey: "@key@",
});
"""
JAVASCRIPT_CHAT = f"""\
// npm install openai; @trust@node chat.mjs
{_JAVASCRIPT}const answer = await client.chat.completions.create({{
  model: @model@,
  messages: [{{ role: "user", content: "Hello" }}],
}});
console.log(answer.choices[0].message.content);
"""
JAVASCRIPT_STREAM = f"""\
// npm install openai; @trust@node stream.mjs
{_JAVASCRIPT}const stream = await client.chat.completions.create({{
  model: @model@,
  messages: [{{ role: "user", content: "Hello" }}],
  stream: true,
}});
for await (const chunk of stream) {{
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}}
console.log();
"""
JAVASCRIPT_AUDIO = f"""\
// npm install openai; @trust@node speech.mjs
import fs from "node:fs";
{_JAVASCRIPT}const text = await client.audio.transcriptions.create({{
  model: @model@,
  file: fs.createReadStream("speech.wav"),
}});
console.log(text.text);
"""

POWERSHELL_CHAT = """\
@trust@$body = @{
    model    = @model@
    messages = @(@{ role = 'user'; content = 'Hello' })
} | ConvertTo-Json -Depth 5
$answer = Invoke-RestMethod -Method Post `
    -Uri '@base@/chat/completions' `
    -Headers @{ Authorization = 'Bearer @key@' } `
    -ContentType 'application/json; charset=utf-8' -Body $body
$answer.choices[0].message.content
"""
POWERSHELL_AUDIO = """\
# PowerShell 7
@trust@$form = [ordered]@{ model = @model@; file = Get-Item 'speech.wav' }
$text = Invoke-RestMethod -Method Post `
    -Uri '@base@/audio/transcriptions' `
    -Headers @{ Authorization = 'Bearer @key@' } -Form $form
$text.text
"""

OPEN_WEBUI = """\
@needs@docker run -d --name open-webui @network@ \\
  -e OPENAI_API_BASE_URL=@base@ \\
  -e OPENAI_API_KEY=@key@ \\
  -e ENABLE_OLLAMA_API=false \\
@trust@  -v open-webui:/app/backend/data \\
  ghcr.io/open-webui/open-webui:main
# then open http://127.0.0.1:3000
"""
OPEN_WEBUI_NEEDS = "# on Debian or Ubuntu, once the system trusts ca.pem\n"
#: all whom the machine trusts, our CA among them
OPEN_WEBUI_TRUST = """\
  -v /etc/ssl/certs/ca-certificates.crt:/trusted.crt:ro \\
  -e SSL_CERT_FILE=/trusted.crt -e REQUESTS_CA_BUNDLE=/trusted.crt \\
"""

CONTINUE = """\
name: stackctl
version: 1.0.0
schema: v1
models:
"""
CONTINUE_MODEL = """\
  - name: @model@
    provider: openai
    model: @model@
    apiBase: @base@
    apiKey: @key@
    roles: [chat, edit, apply]
"""
CONTINUE_CONTEXT = """\
    defaultCompletionOptions:
      contextLength: @context@
"""
CONTINUE_TRUST = """\
    requestOptions:
      caBundlePath: /path/to/ca.pem
"""
